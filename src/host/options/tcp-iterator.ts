import { createBpfMap, updateBpfMap } from '../../native/bpf.js';
import { codeOfErrno, UnsupportedError } from '../../native/errors.js';
import type { OwnedDescriptor } from '../../native/owned-descriptor.js';
import type { BpfProgramItem } from '../../wire/bpf-instructions.js';
import type { Incomplete } from '../connection.js';
import { firstRecordsOf, kernelTypes, linkIterator, recordsOf } from '../iterator.js';
import { failedCall, readProgram, readRecord, setProgram, setRecord, wantedLength } from './iterator-programs.js';
import { leaveAlone, optionOrder, putAssignments, stateAt, valuesLength } from './option-records.js';
import { CookieIndex, OptionTable } from './option-table.js';
import {
  assignmentsForEach,
  type OptionChange,
  type OptionOutcome,
  type OptionReading,
  type OptionSource,
} from './source.js';

/** include/uapi/linux/bpf.h */
const BPF_MAP_TYPE_HASH = 1;

let iteratorId: number | undefined;

/**
 * Loads a program for the TCP iterator and gives the link to open iterators by.
 *
 * @throws {UnsupportedError} for a kernel without type information or without the iterator.
 */
function linkProgram(name: string, items: readonly BpfProgramItem[]): OwnedDescriptor {
  iteratorId ??= kernelTypes().functionId('bpf_iter_tcp');
  if (iteratorId === undefined)
    throw new UnsupportedError('the TCP iterator', 'Linux 6.1, and bpf_iter_tcp in its BTF');
  return linkIterator({ name, functionId: iteratorId, items });
}

/** Moves the records whose options could be read to the front, and counts the others by errno. */
function separateFailures(words: Int32Array): { read: Int32Array; failures: Map<number, number> } {
  const failures = new Map<number, number>();
  let kept = 0;
  for (let at = 0; at < words.length; at += readRecord.words) {
    const result = words[at + readRecord.result] as number;
    if (result === 0) {
      if (kept !== at) words.copyWithin(kept, at, at + readRecord.words);
      kept += readRecord.words;
    } else failures.set(-result, (failures.get(-result) ?? 0) + 1);
  }
  return { read: words.subarray(0, kept), failures };
}

function incompleteOf(failures: ReadonlyMap<number, number>): Incomplete[] {
  return [...failures].map(([errno, count]) => ({
    what: `the options of ${count} ${count === 1 ? 'connection' : 'connections'}`,
    why: `bpf_getsockopt: ${codeOfErrno(errno)}${errno === 22 ? ', the TCP iterator reads them since Linux 6.1' : ''}`,
  }));
}

/** Says which call failed for a socket, as an error of setsockopt would. */
function describeFailure(words: Int32Array, at: number): string {
  const call = words[at + setRecord.call] as number;
  const code = codeOfErrno(-(words[at + setRecord.result] as number));
  const option = optionOrder[call & (failedCall.readingBefore - 1)]?.name;
  if ((call & failedCall.readingAfter) !== 0) return `getsockopt: ${code}, what was set could not be read back`;
  if ((call & failedCall.readingBefore) !== 0) return `getsockopt(${option}): ${code}, so nothing was set`;
  if ((call & failedCall.puttingBack) === 0) return `setsockopt(${option}): ${code}, what was set before was put back`;
  return `setsockopt(${option}): ${code}, and what was set before could not be put back`;
}

function isKept(words: Int32Array, at: number, wanted: Int32Array, wantedAt: number): boolean {
  for (let index = 0; index < valuesLength; index += 1) {
    const value = wanted[wantedAt + index];
    if (value !== leaveAlone && value !== words[at + setRecord.after + index]) return false;
  }
  return true;
}

function outcomeOf(cookie: bigint, words: Int32Array, at: number, wanted: Int32Array, wantedAt: number): OptionOutcome {
  const failed = words[at + setRecord.result] !== 0;
  const call = failed ? (words[at + setRecord.call] as number) : 0;
  const unread = (call & failedCall.readingBefore) !== 0;
  const before = unread ? undefined : stateAt(words, at + setRecord.before);
  const after = unread || (call & failedCall.readingAfter) !== 0 ? undefined : stateAt(words, at + setRecord.after);
  if (failed) return { cookie, before, after, error: describeFailure(words, at) };
  const error = isKept(words, at, wanted, wantedAt) ? undefined : 'the kernel accepted it and did not keep it';
  return { cookie, before, after, error };
}

const notSeen = 'it is closed, or not in this network namespace, or has no options in its state';

/**
 * Every full TCP socket of a network namespace, listeners included, through a program that the kernel runs for each.
 *
 * Needs no descriptor of the sockets and no right over their processes; it needs CAP_BPF and CAP_PERFMON. The network
 * namespace is that of the calling thread at the moment of the call.
 */
export class TcpIterator implements OptionSource {
  readonly method = 'tcp-iterator';
  readonly perNamespace = true;
  readonly #reading: OwnedDescriptor;

  /**
   * @throws {SystemCallError} EPERM without the capabilities.
   * @throws {UnsupportedError} for a kernel without type information or without the iterator.
   */
  constructor() {
    this.#reading = linkProgram('keepalive_read', readProgram());
  }

  /** Whether the kernel reads these options for a program (since 6.1), as the first sockets show; `true` without any. */
  canRead(): boolean {
    const words = firstRecordsOf(this.#reading, readRecord.words);
    return words.length === 0 || separateFailures(words).read.length > 0;
  }

  /** Reads all sockets of the namespace, whichever are asked for: that costs least. */
  read(): OptionReading {
    const { read, failures } = separateFailures(recordsOf(this.#reading, readRecord.words));
    return { states: new OptionTable(read), incomplete: incompleteOf(failures) };
  }

  write(changes: readonly OptionChange[]): OptionOutcome[] {
    if (changes.length === 0) return [];
    const wanted = new Int32Array(new ArrayBuffer(changes.length * wantedLength));
    for (const [row, list] of assignmentsForEach(changes).entries()) putAssignments(list, wanted, row * valuesLength);
    const cookies = BigUint64Array.from(changes, ({ socket }) => socket.cookie);
    const words = this.#set(cookies, wanted);
    const keys = new Uint32Array(words.buffer, words.byteOffset, words.length);
    // Where the kernel showed a socket twice, the first record has what was there before.
    const index = new CookieIndex(keys, words.length / setRecord.words, setRecord.words);
    return changes.map(({ socket: { cookie } }, row) => {
      const found = index.row(cookie);
      if (found < 0) return { cookie, before: undefined, after: undefined, error: notSeen };
      return outcomeOf(cookie, words, found * setRecord.words, wanted, row * valuesLength);
    });
  }

  /** Has the kernel set the wanted values and gives the records of the sockets that it found. */
  #set(cookies: BigUint64Array<ArrayBuffer>, wanted: Int32Array<ArrayBuffer>): Int32Array {
    using map = createBpfMap({
      name: 'keepalive_want',
      type: BPF_MAP_TYPE_HASH,
      keyLength: 8,
      valueLength: wantedLength,
      maxEntries: cookies.length,
    });
    updateBpfMap(map, new Uint8Array(cookies.buffer), new Uint8Array(wanted.buffer), cookies.length);
    using link = linkProgram('keepalive_set', setProgram(map.fd));
    return recordsOf(link, setRecord.words);
  }

  [Symbol.dispose](): void {
    this.#reading.close();
  }
}
