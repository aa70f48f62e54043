import { bpfHelpers } from '../../wire/bpf/helpers.js';
import {
  arithmetic,
  type BpfProgramItem,
  call,
  jump,
  jumpIf,
  label,
  load,
  loadMap,
  mov,
  store,
} from '../../wire/bpf/instructions.js';
import { clearRecord, end, loadSequence, offsetInRecord, wordLength, writeRecord } from '../../wire/bpf/records.js';
import { optionOrder, valuesLength } from './option-records.js';

const { mapLookup, getSocketCookie, setsockopt, getsockopt, skcToTcpSock } = bpfHelpers;

/** A record begins with a cookie of 64 bits, so it takes an even number of words. */
function even(words: number): number {
  return words + (words % 2);
}

/**
 * What the program for reading writes of each socket, in 32-bit words: the cookie (two), the values, and 0 or the
 * negative errno of the call that failed.
 */
export const readRecord = { cookie: 0, values: 2, result: 2 + valuesLength, words: even(3 + valuesLength) } as const;

/**
 * What the program for setting writes of each socket that it was told to set, in 32-bit words: the cookie, the
 * values before and after, 0 or the negative errno of the call that failed, and which call that was.
 */
export const setRecord = {
  cookie: 0,
  before: 2,
  after: 2 + valuesLength,
  result: 2 + 2 * valuesLength,
  call: 3 + 2 * valuesLength,
  words: even(4 + 2 * valuesLength),
} as const;

/** `setRecord.call`: the number of an option in `optionOrder`, plus what was being done with it. */
export const failedCall = { setting: 0, readingBefore: 8, readingAfter: 16, restoring: 32 } as const;

/** Registers that calls leave alone: the socket, the wanted values, what setting them came to. */
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
  load('u64', socket, 'r1', 8),
  ...loadSequence,
  jumpIf(socket, '==', 0, 'end'),
  mov('r1', socket),
  call(skcToTcpSock),
  jumpIf('r0', '==', 0, 'end'),
];

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

const everyOption = optionOrder.map((_, index) => index);

/** Writes one {@link readRecord} for every full TCP socket. */
export function readProgram(): BpfProgramItem[] {
  const at = (word: number) => offsetInRecord(readRecord.words, word);
  return [
    ...fullTcpSocketOrEnd,
    ...clearRecord(readRecord.words),
    mov('r1', socket),
    call(getSocketCookie),
    store('u64', 'r10', at(readRecord.cookie), 'r0'),
    ...everyOption.flatMap((index) => [
      ...optionCall(getsockopt, index, at(readRecord.values + index)),
      jumpIf('r0', '!=', 0, 'failed'),
    ]),
    jump('write'),
    label('failed'),
    store('u32', 'r10', at(readRecord.result), 'r0'),
    label('write'),
    ...writeRecord(readRecord.words),
    ...end,
  ];
}

/** Where the set program keeps a value for a call, below its record. */
const scratchAt = offsetInRecord(setRecord.words, 0) - 8;
const fieldAt = (word: number) => offsetInRecord(setRecord.words, word);

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
    ...notedCall(setsockopt, index, scratchAt, failedCall.setting, 'restore'),
    label(`set-${index}`),
  ];
}

/** Puts an option back that was set before the one that failed. */
function restoreOne(index: number): BpfProgramItem[] {
  return [
    load('u32', 'r1', wanted, index * wordLength),
    jumpIf('r1', 's<', 0, `restore-${index}`, 32),
    load('u32', 'r1', 'r10', fieldAt(setRecord.call)),
    arithmetic('and', 'r1', failedCall.readingBefore - 1),
    jumpIf('r1', '<=', index, `restore-${index}`),
    ...optionCall(setsockopt, index, fieldAt(setRecord.before + index)),
    jumpIf('r0', '==', 0, `restore-${index}`),
    load('u32', 'r1', 'r10', fieldAt(setRecord.call)),
    arithmetic('or', 'r1', failedCall.restoring),
    store('u32', 'r10', fieldAt(setRecord.call), 'r1'),
    label(`restore-${index}`),
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
    ...writeRecord(setRecord.words),
  ];
}

/**
 * Sets every full TCP socket whose cookie is a key of the map to the values there, and writes one
 * {@link setRecord} for each. All or nothing for each socket; no one else can act on it meanwhile, as it is locked.
 *
 * @param mapFd A hash map from cookies to 32-bit values in `optionOrder`.
 */
export function setProgram(mapFd: number): BpfProgramItem[] {
  return [
    ...fullTcpSocketOrEnd,
    ...clearRecord(setRecord.words),
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
    label('restore'),
    mov(result, 'r0'),
    ...everyOption.slice(0, -1).flatMap(restoreOne),
    label('read-after'),
    ...afterwards(),
    ...end,
  ];
}

/** The bytes of one wanted entry in the map. */
export const wantedLength = valuesLength * wordLength;
