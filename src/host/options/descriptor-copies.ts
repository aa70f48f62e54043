import { SystemCallError, UnsupportedError } from '../../native/errors.js';
import type { OwnedDescriptor } from '../../native/owned-descriptor.js';
import { copyDescriptor, openProcess } from '../../native/pidfd.js';
import { readBytesOption, type SocketOption } from '../../native/socket-options.js';
import { type Assignment, isInForce } from '../../socket/assignments.js';
import { readState, writeAssignments } from '../../socket/options.js';
import { linux } from '../../socket/platforms/linux.js';
import type { KeepAliveState } from '../../socket/state.js';
import { readTcpInfo } from '../../socket/tcp-info.js';
import type { Incomplete } from '../connection.js';
import { awaitOverrides, isTakenBack, mayBeOverridden, mayBeTakenBack, mostVerifications } from './idle-override.js';
import { type OpenSockets, readOpenSockets } from './open-sockets.js';
import {
  assignmentsForEach,
  type Holder,
  type OptionChange,
  type OptionOutcome,
  type OptionReading,
  type OptionSource,
  type SocketReference,
} from './source.js';
import { adaptToUnanswered, unansweredOf } from './unanswered-probes.js';

/** include/uapi/asm-generic/socket.h, since 4.12. */
const SO_COOKIE: SocketOption = { name: 'SO_COOKIE', level: 1, option: 57 };

const reused = 'the descriptor is another one now: the socket was closed, and its number given out again';
const noHolder = 'no process is known that has it open';

/** Below this, copying takes less time than preparing to look at all sockets at once: 12 us for each against 20 ms. */
const fewSockets = 1500;

/** `undefined` where that is not permitted, or this kernel does not let it be done. */
function seeOpenSockets(): OpenSockets | undefined {
  try {
    return readOpenSockets();
  } catch (error) {
    if (error instanceof SystemCallError || error instanceof UnsupportedError) return undefined;
    throw error;
  }
}

/** Throws unless a descriptor is the socket that was meant. */
function confirmSocket(fd: number, cookie: bigint): void {
  let bytes: Uint8Array;
  try {
    bytes = readBytesOption(fd, SO_COOKIE, 8);
  } catch (error) {
    if (!(error instanceof SystemCallError) || error.code !== 'ENOTSOCK') throw error;
    throw new SystemCallError('getsockopt(SO_COOKIE)', 'ENOTSOCK', reused, error);
  }
  if (new DataView(bytes.buffer).getBigUint64(0, true) === cookie) return;
  throw new SystemCallError('getsockopt(SO_COOKIE)', 'ESTALE', reused);
}

/** What only says that a process has no such socket any more, where another may. */
const gone = new Set(['EBADF', 'ENOTSOCK', 'ESTALE', 'ESRCH']);

/** Copies descriptors of one process after the other, with one process and one copy open at a time. */
export class Copies implements Disposable {
  /** The process that gave the last copy, or is the reason why there is none. */
  lastPid: number | undefined;
  #pid: number | undefined;
  #process: OwnedDescriptor | undefined;
  /** Why nothing can be copied from the process at all. */
  #refusal: unknown;

  /**
   * A copy of the socket's descriptor, which the caller closes, from the first process that gives it: some have a socket
   * for a moment only, such as a child before it runs its program. Throws where none does.
   */
  copy({ cookie, holders, unreachable }: SocketReference): OwnedDescriptor {
    let reason: SystemCallError | undefined;
    this.lastPid = undefined;
    for (const holder of holders) {
      try {
        const copy = this.#copyFrom(holder, cookie);
        this.lastPid = holder.pid;
        return copy;
      } catch (error) {
        if (!(error instanceof SystemCallError)) throw error;
        if (reason !== undefined && !gone.has(reason.code)) continue;
        reason = error;
        this.lastPid = holder.pid;
      }
    }
    if (reason !== undefined) throw reason;
    if (unreachable === undefined) throw new SystemCallError('pidfd_open', 'ESRCH', noHolder);
    throw new SystemCallError('readlink(/proc/PID/fd)', 'EACCES', unreachable);
  }

  #copyFrom({ pid, fd }: Holder, cookie: bigint): OwnedDescriptor {
    const copy = this.#copy(this.#open(pid), fd);
    try {
      confirmSocket(copy.fd, cookie);
    } catch (error) {
      copy.close();
      throw error;
    }
    return copy;
  }

  #open(pid: number): OwnedDescriptor {
    if (pid !== this.#pid) {
      this[Symbol.dispose]();
      this.#pid = pid;
      this.#refusal = undefined;
      try {
        this.#process = openProcess(pid);
      } catch (error) {
        this.#refusal = error;
      }
    }
    if (this.#process === undefined || this.#refusal !== undefined) throw this.#refusal;
    return this.#process;
  }

  #copy(process: OwnedDescriptor, fd: number): OwnedDescriptor {
    try {
      return copyDescriptor(process, fd);
    } catch (error) {
      // Only EBADF is about this descriptor alone.
      if (error instanceof SystemCallError && ['EPERM', 'ESRCH', 'ENOSYS'].includes(error.code)) this.#refusal = error;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#process?.close();
    this.#process = undefined;
  }
}

/** The places in a list, those of one process next to each other. */
export function byProcess(sockets: readonly SocketReference[]): Uint32Array {
  const pid = (place: number) => sockets[place]?.holders[0]?.pid ?? 0;
  return Uint32Array.from(sockets.keys()).sort((a, b) => pid(a) - pid(b));
}

function reasonOf(error: unknown): string {
  if (error instanceof SystemCallError || error instanceof UnsupportedError) return error.message;
  throw error;
}

/** One line for each process and reason. */
class Failures {
  readonly #counts = new Map<string, { pid: number | undefined; why: string; count: number }>();

  add(pid: number | undefined, why: string): void {
    const key = `${pid} ${why}`;
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { pid, why, count: 1 });
    else known.count += 1;
  }

  lines(): Incomplete[] {
    return [...this.#counts.values()].map(({ pid, why, count }) => {
      const connections = `${count} ${count === 1 ? 'connection' : 'connections'}`;
      return { what: `the options of ${connections}${pid === undefined ? '' : ` of process ${pid}`}`, why };
    });
  }
}

/** Says which call failed, without the number that the copy had here. */
function describeFailure({ syscall, code, cause }: SystemCallError): string {
  if (cause instanceof SystemCallError) {
    return `${cause.syscall}: ${cause.code}, and what was set before could not be put back (${syscall}: ${code})`;
  }
  return `${syscall}: ${code}, ${syscall.startsWith('set') ? 'what was set before was put back' : 'so nothing was set'}`;
}

/**
 * The sockets of processes through copies of their descriptors, made with pidfd_getfd and closed at once.
 *
 * Needs CAP_SYS_PTRACE, or processes of the same user that may be dumped; Linux 5.6. The copy is the same open file, so
 * its O_NONBLOCK is never touched. That it is the socket that was meant is made sure of by its cookie.
 */
export class DescriptorCopies implements OptionSource {
  readonly method = 'descriptor-copies';
  readonly perNamespace = false;

  /**
   * Many sockets are looked at all at once, where that is permitted, and so are those that may not be copied; what was
   * not seen there is copied.
   */
  read(sockets: readonly SocketReference[]): OptionReading {
    const copied = sockets.length < fewSockets ? readByCopies(sockets) : undefined;
    if (copied !== undefined && !copied.isRefused) return copied;
    const seen = seeOpenSockets();
    if (seen === undefined) return copied ?? readByCopies(sockets);
    const unseen = sockets.filter(({ cookie }) => seen.get(cookie) === undefined);
    const { states, incomplete, reasons } = readByCopies(unseen);
    const size = sockets.length - unseen.length + states.size;
    return { states: { get: (cookie) => seen.get(cookie) ?? states.get(cookie), size }, incomplete, reasons };
  }

  /** A socket that reads an idle time of 1 s is set after the others: somebody may be asking its peer. */
  write(changes: readonly OptionChange[]): OptionOutcome[] {
    const lists = assignmentsForEach(changes);
    const outcomes = new Array<OptionOutcome>(changes.length);
    const places = byProcess(changes.map(({ socket }) => socket));
    const writeAll = (due: Iterable<number>, isSettled: boolean) => {
      using copies = new Copies();
      for (const place of due) {
        const outcome = make(copies, changes[place] as OptionChange, lists[place] as Assignment[], isSettled);
        if (outcome !== undefined) outcomes[place] = outcome;
      }
    };
    writeAll(places, false);
    for (let attempt = 1, due = places; attempt <= mostVerifications; attempt += 1) {
      due = due.filter((place) => outcomes[place] === undefined);
      if (due.length === 0) break;
      awaitOverrides();
      // One asker may have come after the other; what reads 1 s for so long is the socket's own.
      writeAll(due, attempt === mostVerifications);
    }
    keepIdleTimes(places, lists, changes, outcomes);
    return outcomes;
  }

  [Symbol.dispose](): void {
    // Everything is closed at the end of each call.
  }
}

/** `isRefused`: some may not be copied, which another way of reading may not need. */
function readByCopies(sockets: readonly SocketReference[]): Required<OptionReading> & { readonly isRefused: boolean } {
  const states = new Map<bigint, KeepAliveState>();
  const failures = new Failures();
  const reasons = new Map<bigint, string>();
  let isRefused = false;
  using copies = new Copies();
  for (const place of byProcess(sockets)) {
    const socket = sockets[place] as SocketReference;
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

/** Gives nothing, and changes nothing, where the socket's options may not be its own unless they are settled. */
function make(
  copies: Copies,
  { socket }: OptionChange,
  list: readonly Assignment[],
  isSettled: boolean,
): OptionOutcome | undefined {
  const { cookie } = socket;
  let before: KeepAliveState | undefined;
  try {
    using copy = copies.copy(socket);
    before = readState(copy.fd, linux);
    if (!isSettled && mayBeOverridden(before)) return undefined;
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

/** Sets an idle time again that somebody who asks the peer has replaced by the one before. */
function keepIdleTimes(
  places: Uint32Array,
  lists: readonly (readonly Assignment[])[],
  changes: readonly OptionChange[],
  outcomes: OptionOutcome[],
): void {
  let doubtful = places.filter((place) => mayBeTakenBack(outcomes[place] as OptionOutcome));
  for (let attempt = 0; doubtful.length > 0 && attempt < mostVerifications; attempt += 1) {
    awaitOverrides();
    using copies = new Copies();
    doubtful = doubtful.filter((place) => {
      const change = changes[place] as OptionChange;
      const outcome = outcomes[place] as OptionOutcome;
      const isBack = wasTakenBack(copies, change.socket, outcome);
      if (isBack) {
        const again = make(copies, change, lists[place] as readonly Assignment[], true);
        if (again !== undefined) outcomes[place] = { ...again, before: outcome.before };
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
  list: readonly Assignment[],
  isSettled: boolean,
): OptionOutcome | undefined {
  try {
    return { cookie, before, after: writeAssignments(fd, list, () => before, linux), error: undefined };
  } catch (error) {
    // What looks as if the kernel had not kept a value may be the override of somebody who began to ask the peer.
    if (!isSettled && error instanceof UnsupportedError) return undefined;
    const reason = error instanceof SystemCallError ? describeFailure(error) : reasonOf(error);
    return { cookie, before, after: readState(fd, linux), error: reason };
  }
}
