import { firstRecordsOf, recordsOf } from '../../native/bpf/iterator.js';
import { kernelTypes } from '../../native/bpf/kernel-types.js';
import { BpfLink } from '../../native/bpf/link.js';
import { BpfMap } from '../../native/bpf/map.js';
import { codeOfErrno, UnsupportedError } from '../../native/errors.js';
import { type KeepAliveState, settingsOf } from '../../policy/settings.js';
import type { OptionWrite } from '../../socket/option-writes.js';
import type { BpfProgramItem } from '../../wire/bpf/instructions.js';
import type { Omission } from '../list/connection.js';
import { RecordIndex } from '../record-index.js';
import { awaitOverrides, isTakenBack, mayBeOverridden, mayBeTakenBack, mostVerifications } from './idle-override.js';
import { failedCall, readProgram, readRecord, setProgram, setRecord, wantedLength } from './iterator-programs.js';
import { leaveAlone, optionOrder, putWrites, stateAt, valuesLength } from './option-records.js';
import { OptionTable } from './option-table.js';
import {
  type OptionChange,
  type OptionOutcome,
  type OptionReading,
  type OptionSource,
  writesForEach,
  writesNeeded,
} from './source.js';
import { adaptToUnanswered, unansweredOf } from './unanswered-probes.js';

/** include/uapi/linux/bpf.h */
const BPF_MAP_TYPE_HASH = 1;

let iteratorId: number | undefined;

/**
 * Loads a program for the TCP iterator and gives the link to open iterators by.
 *
 * @throws {UnsupportedError} if the kernel has no type information or no such iterator.
 */
function linkProgram(name: string, items: readonly BpfProgramItem[]): BpfLink {
  iteratorId ??= kernelTypes().functionId('bpf_iter_tcp');
  if (iteratorId === undefined)
    throw new UnsupportedError('the TCP iterator', 'Linux 6.1, and bpf_iter_tcp in its BTF');
  return BpfLink.toIterator({ name, functionId: iteratorId, items });
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

function incompleteOf(failures: ReadonlyMap<number, number>): Omission[] {
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
  if ((call & failedCall.restoring) === 0) return `setsockopt(${option}): ${code}, what was set before was restored`;
  return `setsockopt(${option}): ${code}, and what was set before could not be restored`;
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

/** A change to make, and its index among all changes. */
interface DueChange {
  readonly place: number;
  readonly cookie: bigint;
  readonly list: readonly OptionWrite[];
  readonly unanswered?: number;
}

/** Stands for the state of a socket that the iterator did not find. */
const never: KeepAliveState = { enabled: false, ...settingsOf(() => 0) };

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
  readonly #reading: BpfLink;

  /**
   * @throws {SystemCallError} EPERM without the capabilities.
   * @throws {UnsupportedError} if the kernel has no type information or no such iterator.
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

  /** Makes changes. First waits for overrides to end if somebody may be asking a peer. */
  write(changes: readonly OptionChange[]): OptionOutcome[] {
    if (changes.length === 0) return [];
    const lists = writesForEach(changes);
    const states = this.#settledStates(changes);
    const outcomes: OptionOutcome[] = [];
    const due: DueChange[] = [];
    for (const [place, { socket, info, wanted }] of changes.entries()) {
      const now = states.get(socket.cookie);
      const list = writesNeeded(lists[place] as OptionWrite[], wanted, now);
      const adapted =
        now === undefined || info === undefined ? { list, isAsWanted: true } : adaptToUnanswered(list, now, info);
      const unanswered = info === undefined ? 0 : unansweredOf(info);
      const { cookie } = socket;
      if ('why' in adapted) outcomes[place] = { cookie, before: now, after: now, error: adapted.why };
      else due.push({ place, cookie, list: adapted.list, ...(adapted.isAsWanted ? {} : { unanswered }) });
    }
    for (const outcome of this.#writeAll(due)) outcomes[outcome.place] = outcome.outcome;
    this.#keepIdleTimes(due, outcomes);
    return outcomes;
  }

  #settledStates(changes: readonly OptionChange[]): OptionReading['states'] {
    let { states } = this.read();
    const isDoubtful = ({ socket }: OptionChange) => mayBeOverridden(states.get(socket.cookie) ?? never);
    for (let attempt = 0; attempt < mostVerifications && changes.some(isDoubtful); attempt += 1) {
      awaitOverrides();
      ({ states } = this.read());
    }
    return states;
  }

  #writeAll(due: readonly DueChange[]): { readonly place: number; readonly outcome: OptionOutcome }[] {
    if (due.length === 0) return [];
    const wanted = new Int32Array(new ArrayBuffer(due.length * wantedLength));
    for (const [row, { list }] of due.entries()) putWrites(list, wanted, row * valuesLength);
    const words = this.#set(
      BigUint64Array.from(due, ({ cookie }) => cookie),
      wanted,
    );
    // Where the kernel showed a socket twice, the first record has what was there before.
    const index = new RecordIndex(words, setRecord.words);
    return due.map(({ place, cookie, unanswered }, row) => {
      const found = index.first(cookie);
      if (found < 0) return { place, outcome: { cookie, before: undefined, after: undefined, error: notSeen } };
      const outcome = outcomeOf(cookie, words, found * setRecord.words, wanted, row * valuesLength);
      return { place, outcome: unanswered === undefined ? outcome : { ...outcome, unanswered } };
    });
  }

  /** Sets an idle time again if somebody who asks the peer has restored the idle time of before the change. */
  #keepIdleTimes(due: readonly DueChange[], outcomes: OptionOutcome[]): void {
    const outcomeOf = ({ place }: DueChange) => outcomes[place] as OptionOutcome;
    let doubtful = due.filter((change) => mayBeTakenBack(outcomeOf(change)));
    for (let attempt = 0; doubtful.length > 0 && attempt < mostVerifications; attempt += 1) {
      awaitOverrides();
      const { states } = this.read();
      const isBack = (change: DueChange) => {
        const now = states.get(change.cookie);
        return now === undefined ? false : isTakenBack(outcomeOf(change), now);
      };
      doubtful = doubtful.filter((change) => isBack(change) !== false);
      for (const { place, outcome } of this.#writeAll(doubtful.filter((change) => isBack(change)))) {
        outcomes[place] = { ...outcome, before: outcomes[place]?.before };
      }
    }
  }

  /** Has the kernel set the wanted values and gives the records of the sockets that it found. */
  #set(cookies: BigUint64Array<ArrayBuffer>, wanted: Int32Array<ArrayBuffer>): Int32Array {
    using map = BpfMap.create({
      name: 'keepalive_want',
      type: BPF_MAP_TYPE_HASH,
      keyLength: 8,
      valueLength: wantedLength,
      maxEntries: cookies.length,
    });
    map.update(new Uint8Array(cookies.buffer), new Uint8Array(wanted.buffer), cookies.length);
    using link = linkProgram('keepalive_set', setProgram(map.fd));
    return recordsOf(link, setRecord.words);
  }

  [Symbol.dispose](): void {
    this.#reading.close();
  }
}
