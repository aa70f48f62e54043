import { bpfHelpers } from '../../wire/bpf-helpers.js';
import {
  arithmetic,
  type BpfProgramItem,
  call,
  exit,
  jump,
  jumpIf,
  label,
  load,
  loadMap,
  mov,
  store,
} from '../../wire/bpf-instructions.js';
import { optionOrder, valuesLength } from './option-records.js';

const { mapLookup, getSocketCookie, setsockopt, getsockopt, seqWrite, skcToTcpSock } = bpfHelpers;

/**
 * What the program for reading writes of each socket, in 32-bit words: the cookie (two), the five values, and 0 or the
 * negative errno of the call that failed.
 */
export const readRecord = { cookie: 0, values: 2, result: 7, words: 8 } as const;

/**
 * What the program for setting writes of each socket that it was told to set, in 32-bit words: the cookie, the five
 * values before and after, 0 or the negative errno of the call that failed, and which call that was.
 */
export const setRecord = { cookie: 0, before: 2, after: 7, result: 12, call: 13, words: 14 } as const;

/** `setRecord.call`: the number of an option in `optionOrder`, plus what was being done with it. */
export const failedCall = { setting: 0, readingBefore: 8, readingAfter: 16, puttingBack: 32 } as const;

const wordLength = 4;

/** Registers that calls leave alone: the `seq_file`, the socket, the wanted values, what setting them came to. */
const sequence = 'r6';
const socket = 'r7';
const wanted = 'r8';
const result = 'r9';

/**
 * The context of a program for `bpf_iter_tcp` (net/ipv4/tcp_ipv4.c, since 5.9; with the socket locked since 5.15):
 *
 *     struct bpf_iter__tcp {
 *       struct bpf_iter_meta *meta;      // 0; its first member is `struct seq_file *seq`
 *       struct sock_common *sk_common;   // 8, NULL at the end
 *       uid_t uid;
 *     };
 *
 * TIME_WAIT and connections that are not yet accepted by a handshake are no full sockets, and have no options.
 */
const fullTcpSocketOrEnd: readonly BpfProgramItem[] = [
  load('u64', sequence, 'r1', 0),
  load('u64', socket, 'r1', 8),
  load('u64', sequence, sequence, 0),
  jumpIf(socket, '==', 0, 'end'),
  mov('r1', socket),
  call(skcToTcpSock),
  jumpIf('r0', '==', 0, 'end'),
];

const end: readonly BpfProgramItem[] = [label('end'), mov('r0', 0), exit()];

/** Calls getsockopt or setsockopt for one option, with the value at `at` on the stack. */
function optionCall(helper: number, index: number, at: number): BpfProgramItem[] {
  const { level, option } = optionOrder[index] as (typeof optionOrder)[number];
  return [
    mov('r1', socket),
    mov('r2', level),
    mov('r3', option),
    mov('r4', 'r10'),
    arithmetic('add', 'r4', at),
    mov('r5', wordLength),
    call(helper),
  ];
}

/** Writes the record that lies on the stack from `at`. A program leaves with 0 even if that fails: 1 means "again". */
function writeRecord(at: number, words: number): BpfProgramItem[] {
  return [
    mov('r1', sequence),
    mov('r2', 'r10'),
    arithmetic('add', 'r2', at),
    mov('r3', words * wordLength),
    call(seqWrite),
  ];
}

function zeroed(at: number, words: number): BpfProgramItem[] {
  return Array.from({ length: words / 2 }, (_, index) => store('u64', 'r10', at + index * 8, 0));
}

const everyOption = optionOrder.map((_, index) => index);

/** Writes one {@link readRecord} for every full TCP socket. */
export function readProgram(): BpfProgramItem[] {
  const at = -readRecord.words * wordLength;
  const valueAt = (index: number) => at + (readRecord.values + index) * wordLength;
  const resultAt = at + readRecord.result * wordLength;
  return [
    ...fullTcpSocketOrEnd,
    ...zeroed(at, readRecord.words),
    mov('r1', socket),
    call(getSocketCookie),
    store('u64', 'r10', at, 'r0'),
    ...everyOption.flatMap((index) => [
      ...optionCall(getsockopt, index, valueAt(index)),
      jumpIf('r0', '!=', 0, 'failed'),
    ]),
    jump('write'),
    label('failed'),
    store('u32', 'r10', resultAt, 'r0'),
    label('write'),
    ...writeRecord(at, readRecord.words),
    ...end,
  ];
}

/** Where the set program keeps a value for a call, below its record. */
const recordAt = -setRecord.words * wordLength;
const scratchAt = recordAt - 8;
const fieldAt = (word: number) => recordAt + word * wordLength;

/** Makes a call for one option, notes which call it is, and goes to `target` with the errno when it fails. */
function notedCall(helper: number, index: number, at: number, doing: number, target: string): BpfProgramItem[] {
  return [
    store('u32', 'r10', fieldAt(setRecord.call), doing + index),
    ...optionCall(helper, index, at),
    jumpIf('r0', '!=', 0, target),
  ];
}

/** Sets one option to the wanted value, unless that says to leave it alone. */
function setOne(index: number): BpfProgramItem[] {
  return [
    load('u32', 'r1', wanted, index * wordLength),
    jumpIf('r1', 's<', 0, `set-${index}`, 32),
    store('u32', 'r10', scratchAt, 'r1'),
    ...notedCall(setsockopt, index, scratchAt, failedCall.setting, 'put-back'),
    label(`set-${index}`),
  ];
}

/** Puts an option back that was set before the one that failed. */
function putBackOne(index: number): BpfProgramItem[] {
  return [
    load('u32', 'r1', wanted, index * wordLength),
    jumpIf('r1', 's<', 0, `put-back-${index}`, 32),
    load('u32', 'r1', 'r10', fieldAt(setRecord.call)),
    arithmetic('and', 'r1', failedCall.readingBefore - 1),
    jumpIf('r1', '<=', index, `put-back-${index}`),
    ...optionCall(setsockopt, index, fieldAt(setRecord.before + index)),
    jumpIf('r0', '==', 0, `put-back-${index}`),
    load('u32', 'r1', 'r10', fieldAt(setRecord.call)),
    arithmetic('or', 'r1', failedCall.puttingBack),
    store('u32', 'r10', fieldAt(setRecord.call), 'r1'),
    label(`put-back-${index}`),
  ];
}

/** Reads what is there now and writes the record; an error that came before is the one that counts. */
function afterwards(): BpfProgramItem[] {
  const unread = everyOption.flatMap((index) => [
    ...optionCall(getsockopt, index, fieldAt(setRecord.after + index)),
    jumpIf('r0', '!=', 0, 'unread'),
  ]);
  return [
    ...unread,
    mov('r0', result),
    jump('write-result'),
    label('unread'),
    store('u32', 'r10', fieldAt(setRecord.call), failedCall.readingAfter),
    label('write-result'),
    store('u32', 'r10', fieldAt(setRecord.result), 'r0'),
    ...writeRecord(recordAt, setRecord.words),
  ];
}

/**
 * Sets every full TCP socket whose cookie is a key of the map to the five values there, and writes one
 * {@link setRecord} for each. All or nothing for each socket; no one else can act on it meanwhile, as it is locked.
 *
 * @param mapFd A hash map from cookies to five 32-bit values in `optionOrder`.
 */
export function setProgram(mapFd: number): BpfProgramItem[] {
  return [
    ...fullTcpSocketOrEnd,
    ...zeroed(recordAt, setRecord.words),
    mov('r1', socket),
    call(getSocketCookie),
    store('u64', 'r10', fieldAt(setRecord.cookie), 'r0'),
    loadMap('r1', mapFd),
    mov('r2', 'r10'),
    arithmetic('add', 'r2', fieldAt(setRecord.cookie)),
    call(mapLookup),
    jumpIf('r0', '==', 0, 'end'),
    mov(wanted, 'r0'),
    ...everyOption.flatMap((index) =>
      notedCall(getsockopt, index, fieldAt(setRecord.before + index), failedCall.readingBefore, 'write-result'),
    ),
    ...everyOption.flatMap(setOne),
    mov(result, 0),
    jump('read-after'),
    label('put-back'),
    mov(result, 'r0'),
    ...everyOption.slice(0, -1).flatMap(putBackOne),
    label('read-after'),
    ...afterwards(),
    ...end,
  ];
}

/** The bytes of one wanted entry in the map. */
export const wantedLength = valuesLength * wordLength;
