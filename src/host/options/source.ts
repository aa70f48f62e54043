import type { ValidPolicy } from '../../policy/policy.js';
import { isState } from '../../policy/settings.js';
import { missingWrites, type OptionWrite, optionWrites, writesOf } from '../../socket/option-writes.js';
import { linux } from '../../socket/platforms/linux.js';
import type { KeepAliveState } from '../../socket/state.js';
import type { TcpInfo } from '../../wire/tcp-info/decode.js';
import type { Omission } from '../list/connection.js';
import type { OpenFiles } from '../owners/open-files.js';

/** A process that has a socket open, and its descriptor there. */
export interface Holder {
  readonly pid: number;
  readonly fd: number;
}

/** A socket of the machine. */
export interface SocketReference {
  /** The kernel's own name for it, never used twice. */
  readonly cookie: bigint;
  /** The processes that have it open, and its descriptor in each, of which copying needs one that still has it. */
  readonly holders: readonly Holder[];
  /** Why no process is known that has the socket open; only if none is known. */
  readonly unreachable?: string;
}

/** Numbers that a socket is to have; keepalive stays on or off as it is. */
export interface NumbersOnly {
  readonly numbers: ValidPolicy;
}

/** The wanted options of a socket: a policy, numbers alone, `false` for no keepalive, or an earlier state. */
export type WantedOptions = ValidPolicy | NumbersOnly | false | KeepAliveState;

export interface OptionChange {
  readonly socket: SocketReference;
  readonly wanted: WantedOptions;
  /** What the kernel said of the connection when the socket was listed. Default: nothing is unanswered. */
  readonly info?: TcpInfo | undefined;
}

export interface OptionReading {
  /** What could be read, by cookie. */
  readonly states: { get(cookie: bigint): KeepAliveState | undefined; readonly size: number };
  /** What could not, and why: a line for each reason, not for each socket. */
  readonly incomplete: readonly Omission[];
  /** Why the options of a socket could not be read, by cookie, if the reason is known for each. */
  readonly reasons?: ReadonlyMap<bigint, string>;
}

/** What became of one change. */
export interface OptionOutcome {
  readonly cookie: bigint;
  /** `undefined` where it could not be read. */
  readonly before: KeepAliveState | undefined;
  /** What the kernel said afterwards; after an error that was put right, the same as before. */
  readonly after: KeepAliveState | undefined;
  /** Why the socket does not have what was wanted. */
  readonly error: string | undefined;
  /** Unanswered probes or retransmissions because of which the count or the user timeout is not the wanted one. */
  readonly unanswered?: number;
}

/**
 * A way to read and set the options of other processes' sockets.
 *
 * What concerns one socket is in the result; a call throws a `SystemCallError` only where it could do nothing at all,
 * such as ENOMEM.
 */
export interface OptionSource extends Disposable {
  readonly method: 'tcp-iterator' | 'descriptor-copies';
  /** Whether it reaches only the network namespace of the calling thread, and so must be called within each. */
  readonly perNamespace: boolean;
  /** Reads the options of these sockets, and of others where that costs nothing; `files` were read just now. */
  read(sockets: readonly SocketReference[], files?: OpenFiles): OptionReading;
  /**
   * Makes each change, all or nothing for each socket, and gives the outcomes in the order of the changes. A socket that
   * has what is wanted may be left as it is.
   */
  write(changes: readonly OptionChange[]): OptionOutcome[];
}

/** Returns whether a change leaves keepalive on or off as it is. */
export function isNumbersOnly(wanted: WantedOptions): wanted is NumbersOnly {
  return wanted !== false && 'numbers' in wanted;
}

/** What to set, in the order that is right for a live socket. */
export function writesFor(wanted: WantedOptions): OptionWrite[] {
  if (isNumbersOnly(wanted)) {
    return optionWrites(wanted.numbers, linux).filter(({ field }) => field !== 'enabled');
  }
  return isState(wanted) ? writesOf(wanted, linux) : optionWrites(wanted, linux);
}

/**
 * Returns the writes that a socket needs: of a state, only what differs. A state can have a number that no option can be set
 * to, because the socket followed a sysctl.
 */
export function writesNeeded(
  list: readonly OptionWrite[],
  wanted: WantedOptions,
  now: KeepAliveState | undefined,
): readonly OptionWrite[] {
  if (now === undefined || isNumbersOnly(wanted) || !isState(wanted)) return list;
  return missingWrites(list, now);
}

/** Gives the writes of many changes: most often they all want the same object, whose `'system'` is then read once. */
export function writesForEach(changes: readonly OptionChange[]): OptionWrite[][] {
  const known = new Map<WantedOptions, OptionWrite[]>();
  return changes.map(({ wanted }) => {
    let list = known.get(wanted);
    if (list === undefined) {
      list = writesFor(wanted);
      known.set(wanted, list);
    }
    return list;
  });
}
