import { constants } from 'node:os';
import type { DeathReason } from './death.js';

/** What an error says of the peer, besides the reason. */
export interface SeenOfPeer {
  /** Probes or retransmissions that were unanswered. */
  readonly unanswered: number;
  /** Since anything was received from the peer. */
  readonly silentMs: number;
}

const errnos: Readonly<Record<string, number>> = constants.errno;

/** What the kernel's own error would be where it is no time-out. */
const codes: Readonly<Partial<Record<DeathReason, string>>> = {
  reset: 'ECONNRESET',
  unreachable: 'EHOSTUNREACH',
  aborted: 'ECONNABORTED',
};

function codeOf(reason: DeathReason | undefined): string {
  return (reason && codes[reason]) ?? 'ETIMEDOUT';
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

/**
 * Given to a socket that a watch destroys because its peer is dead.
 *
 * Whoever looks at `code`, `errno` and `syscall` sees what Node.js gives where the kernel decides, such as `ETIMEDOUT`:
 * a program retries after the one as after the other. `reason` says more.
 */
export class DeadPeerError extends Error {
  override readonly name = 'DeadPeerError';
  readonly code: string;
  /** Negative, as in all errors of Node.js. */
  readonly errno: number;
  readonly syscall = 'read';
  /** `undefined` where the kernel ended the connection, and nothing was seen that says why. */
  readonly reason: DeathReason | undefined;
  /** Probes or retransmissions that were unanswered. */
  readonly unanswered: number;
  /** Since anything was received from the peer. */
  readonly silentMs: number;

  /** `code` is the kernel's own, where it gave one. */
  constructor(reason: DeathReason | undefined, text: string, seen: SeenOfPeer, code = codeOf(reason)) {
    const { unanswered, silentMs } = seen;
    super(`read ${code}: ${text} (${unanswered} unanswered, last heard ${seconds(silentMs)} ago)`);
    this.code = code;
    this.errno = -(errnos[code] ?? 0);
    this.reason = reason;
    this.unanswered = unanswered;
    this.silentMs = silentMs;
  }
}
