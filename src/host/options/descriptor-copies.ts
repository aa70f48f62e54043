import { SystemCallError, UnsupportedError } from '../../native/errors.js';
import { isInForce, type OptionWrite, writesOf } from '../../socket/option-writes.js';
import { readState, writeOptions } from '../../socket/options.js';
import { linux } from '../../socket/platforms/linux.js';
import type { KeepAliveState } from '../../socket/state.js';
import { readTcpInfo } from '../../socket/tcp-info.js';
import { type OpenFiles, readOpenFiles } from '../owners/open-files.js';
import { byProcess, Copies } from './copies.js';
import { awaitOverrides, isTakenBack, mayBeOverridden, mayBeTakenBack, mostVerifications } from './idle-override.js';
import { ReadFailures } from './read-failures.js';
import {
  type OptionChange,
  type OptionOutcome,
  type OptionReading,
  type OptionSource,
  type SocketReference,
  writesForEach,
  writesNeeded,
} from './source.js';
import { adaptToUnanswered, unansweredOf } from './unanswered-probes.js';

/** Below this, copying takes less time than preparing to look at all sockets at once: 12 us for each against 20 ms. */
const fewSockets = 1500;

/** Returns the options of all open files, or undefined if the kernel does not permit or know how to read them. */
function optionsOfAll(files?: OpenFiles): ReturnType<OpenFiles['options']> | undefined {
  try {
    return (files ?? readOpenFiles()).options();
  } catch (error) {
    if (error instanceof SystemCallError || error instanceof UnsupportedError) return undefined;
    throw error;
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof SystemCallError || error instanceof UnsupportedError) return error.message;
  throw error;
}

/** Says which call failed, without the number that the copy had here. */
function describeFailure({ syscall, code, cause }: SystemCallError): string {
  if (cause instanceof SystemCallError) {
    return `${cause.syscall}: ${cause.code}, and what was set before could not be restored (${syscall}: ${code})`;
  }
  return `${syscall}: ${code}, ${syscall.startsWith('set') ? 'what was set before was restored' : 'so nothing was set'}`;
}

/**
 * The sockets of processes through copies of their descriptors, made with pidfd_getfd and closed at once.
 *
 * Needs CAP_SYS_PTRACE, or processes of the same user that may be dumped; Linux 5.6. The copy is the same open file, so
 * its O_NONBLOCK is never touched. The cookie proves that the copy is the socket that was meant.
 */
export class DescriptorCopies implements OptionSource {
  readonly method = 'descriptor-copies';
  readonly perNamespace = false;

  /**
   * Takes the options from `files`. Without `files`, reads few sockets through copies, and many sockets and sockets that may
   * not be copied through the iterator of open files if that is permitted. Copies the sockets that the iterator did not show.
   */
  read(sockets: readonly SocketReference[], files?: OpenFiles): OptionReading {
    const copied = files === undefined && sockets.length < fewSockets ? readByCopies(sockets) : undefined;
    if (copied !== undefined && !copied.isRefused) return copied;
    const seen = optionsOfAll(files);
    if (seen === undefined) return copied ?? readByCopies(sockets);
    const unseen = sockets.filter(({ cookie }) => seen.get(cookie) === undefined);
    const { states, incomplete, reasons } = readByCopies(unseen);
    const size = sockets.length - unseen.length + states.size;
    return { states: { get: (cookie) => seen.get(cookie) ?? states.get(cookie), size }, incomplete, reasons };
  }

  /** Sets sockets with an idle time of 1 s after the others: somebody may be asking their peers. */
  write(changes: readonly OptionChange[]): OptionOutcome[] {
    const lists = writesForEach(changes);
    const outcomes = new Array<OptionOutcome>(changes.length);
    const indices = byProcess(changes.map(({ socket }) => socket));
    const writeAll = (due: Iterable<number>, isSettled: boolean) => {
      using copies = new Copies();
      for (const index of due) {
        const outcome = make(copies, changes[index] as OptionChange, lists[index] as OptionWrite[], isSettled);
        if (outcome !== undefined) outcomes[index] = outcome;
      }
    };
    writeAll(indices, false);
    for (let attempt = 1, due = indices; attempt <= mostVerifications; attempt += 1) {
      due = due.filter((index) => outcomes[index] === undefined);
      if (due.length === 0) break;
      awaitOverrides();
      // One asker may have come after the other; what reads 1 s for so long is the socket's own.
      writeAll(due, attempt === mostVerifications);
    }
    keepIdleTimes(indices, lists, changes, outcomes);
    return outcomes;
  }

  [Symbol.dispose](): void {
    // Everything is closed at the end of each call.
  }
}

/** Reads options through copies. `isRefused` tells that some descriptors may not be copied. */
function readByCopies(sockets: readonly SocketReference[]): Required<OptionReading> & { readonly isRefused: boolean } {
  const states = new Map<bigint, KeepAliveState>();
  const failures = new ReadFailures();
  const reasons = new Map<bigint, string>();
  let isRefused = false;
  using copies = new Copies();
  for (const index of byProcess(sockets)) {
    const socket = sockets[index] as SocketReference;
    try {
      states.set(socket.cookie, readOne(copies, socket));
    } catch (error) {
      const why = reasonOf(error);
      failures.add(copies.lastPid, why);
      reasons.set(socket.cookie, why);
      isRefused ||= error instanceof SystemCallError && error.code === 'EPERM';
    }
  }
  return { states, incomplete: failures.lines(), reasons, isRefused };
}

function readOne(copies: Copies, socket: SocketReference): KeepAliveState {
  using copy = copies.copy(socket);
  return readState(copy.fd, linux);
}

/**
 * Makes a change. Returns undefined, and changes nothing, if somebody may be asking the peer just now and the options are
 * not settled.
 */
function make(
  copies: Copies,
  { socket, wanted }: OptionChange,
  all: readonly OptionWrite[],
  isSettled: boolean,
): OptionOutcome | undefined {
  const { cookie } = socket;
  let before: KeepAliveState | undefined;
  try {
    using copy = copies.copy(socket);
    before = readState(copy.fd, linux);
    if (!isSettled && mayBeOverridden(before)) return undefined;
    const list = writesNeeded(all, wanted, before);
    if (isInForce(list, before)) return { cookie, before, after: before, error: undefined };
    const info = readTcpInfo(copy.fd);
    const adapted = adaptToUnanswered(list, before, info);
    if ('why' in adapted) return { cookie, before, after: before, error: adapted.why };
    const outcome = isInForce(adapted.list, before)
      ? { cookie, before, after: before, error: undefined }
      : setOn(copy.fd, cookie, before, adapted.list, isSettled);
    return adapted.isAsWanted || outcome === undefined ? outcome : { ...outcome, unanswered: unansweredOf(info) };
  } catch (error) {
    return { cookie, before, after: undefined, error: reasonOf(error) };
  }
}

/** Sets an idle time again if somebody who asks the peer has restored the idle time of before the change. */
function keepIdleTimes(
  indices: Uint32Array,
  lists: readonly (readonly OptionWrite[])[],
  changes: readonly OptionChange[],
  outcomes: OptionOutcome[],
): void {
  let doubtful = indices.filter((index) => mayBeTakenBack(outcomes[index] as OptionOutcome));
  for (let attempt = 0; doubtful.length > 0 && attempt < mostVerifications; attempt += 1) {
    awaitOverrides();
    using copies = new Copies();
    doubtful = doubtful.filter((index) => {
      const change = changes[index] as OptionChange;
      const outcome = outcomes[index] as OptionOutcome;
      const isBack = wasTakenBack(copies, change.socket, outcome);
      if (isBack) {
        const again = make(copies, change, lists[index] as readonly OptionWrite[], true);
        if (again !== undefined) outcomes[index] = { ...again, before: outcome.before };
      }
      return isBack !== false;
    });
  }
}

/** Returns as {@link isTakenBack} does; false for a socket that is closed. */
function wasTakenBack(copies: Copies, socket: SocketReference, outcome: OptionOutcome): boolean | undefined {
  try {
    return isTakenBack(outcome, readOne(copies, socket));
  } catch (error) {
    reasonOf(error);
    return false;
  }
}

function setOn(
  fd: number,
  cookie: bigint,
  before: KeepAliveState,
  list: readonly OptionWrite[],
  isSettled: boolean,
): OptionOutcome | undefined {
  try {
    return { cookie, before, after: writeOptions(fd, list, () => writesOf(before, linux), linux), error: undefined };
  } catch (error) {
    // What looks as if the kernel had not kept a value may be the override of somebody who began to ask the peer.
    if (!isSettled && error instanceof UnsupportedError) return undefined;
    const reason = error instanceof SystemCallError ? describeFailure(error) : reasonOf(error);
    return { cookie, before, after: readState(fd, linux), error: reason };
  }
}
