import type { SocketKeepAlive } from '../../socket/state.js';
import type { CallSite } from './call-site.js';

/** Why a connection did not get the policy. */
export interface Skipped {
  /** Unix-domain sockets and named pipes. */
  pipe: number;
  /** Left to the program: a rule or the policy is `'unmanaged'`. */
  unmanaged: number;
  /** The platform gives no descriptor, and Node's own call cannot set the policy. */
  noDescriptor: number;
  /** The system refused; `process.emitWarning` said why, once for each reason. */
  refused: number;
}

/** A place in a program whose `setKeepAlive` did not get what it asked for. */
export interface OverruledCaller extends CallSite {
  readonly calls: number;
}

/** What became of the connections of this thread since the policy was applied. */
export interface ProcessStatus {
  /** Connections on which the policy was set one by one. */
  readonly set: number;
  /** The part of `set` whose options were read back from the kernel and are the policy's. */
  readonly verified: number;
  /** The part of `set` of which only is known that the kernel accepted each option. */
  readonly unverified: number;
  /** Accepted connections that have it from their listener. */
  readonly inherited: number;
  /** Listeners that hand it on. */
  readonly listeners: number;
  /**
   * Connections that native code of this process opened or accepted, and that have the policy. Linux only, and in the main
   * thread, where those of all threads are counted.
   */
  readonly native: number;
  readonly skipped: Readonly<Skipped>;
  /** The most frequent first. */
  readonly overruled: readonly OverruledCaller[];
}

/** Counts what becomes of connections. */
export class Statistics {
  verified = 0;
  unverified = 0;
  inherited = 0;
  listeners = 0;
  native = 0;
  readonly skipped: Skipped = { pipe: 0, unmanaged: 0, noDescriptor: 0, refused: 0 };
  readonly #callers = new Map<string, { site: CallSite; calls: number }>();

  /** Counts a connection that was set. */
  wasSet({ readBack }: SocketKeepAlive): void {
    if (readBack === false) this.unverified += 1;
    else this.verified += 1;
  }

  overruled(site: CallSite | undefined): void {
    const known = site ?? { module: 'unknown', file: 'unknown', line: 0 };
    const key = `${known.file}:${known.line}`;
    const caller = this.#callers.get(key);
    if (caller === undefined) this.#callers.set(key, { site: known, calls: 1 });
    else caller.calls += 1;
  }

  status(): ProcessStatus {
    const overruled = [...this.#callers.values()]
      .map(({ site, calls }) => ({ ...site, calls }))
      .sort((a, b) => b.calls - a.calls);
    const { verified, unverified, inherited, listeners, native, skipped } = this;
    return {
      set: verified + unverified,
      verified,
      unverified,
      inherited,
      listeners,
      native,
      skipped: { ...skipped },
      overruled,
    };
  }
}

/** The status as a text of a few lines. */
export function summaryOf({ set, inherited, listeners, native, skipped, overruled }: ProcessStatus): string {
  const { pipe, unmanaged, noDescriptor, refused } = skipped;
  const lines = [
    `${set} connections set, ${inherited} inherited from ${listeners} listeners`,
    ...(native > 0 ? [`${native} connections of native code`] : []),
    `skipped: ${pipe} pipes, ${unmanaged} unmanaged, ${noDescriptor} without descriptor, ${refused} refused`,
    ...overruled.map(({ module, file, line, calls }) => `overruled ${calls} times: ${module} (${file}:${line})`),
  ];
  return lines.join('\n');
}
