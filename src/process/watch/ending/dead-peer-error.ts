import { errnoOf } from '../../../native/errors.js';
import type { EndReason } from '../../../peer/end-reason.js';
import { KeepAliveError } from '../../../policy/keep-alive-error.js';

/** The facts about the peer in an error, besides the reason. */
export interface SeenOfPeer {
  /** Probes or retransmissions that were unanswered. */
  readonly unanswered: number;
  /** Since anything was received from the peer. */
  readonly silentMs: number;
}

/** The kernel's own error for reasons that are no time-out. */
const codes: Readonly<Partial<Record<EndReason, string>>> = {
  reset: 'ECONNRESET',
  unreachable: 'EHOSTUNREACH',
  aborted: 'ECONNABORTED',
};

function codeOf(reason: EndReason | undefined): string {
  return (reason && codes[reason]) ?? 'ETIMEDOUT';
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

/**
 * The error of a socket that a watch destroys because its peer is dead.
 *
 * `code`, `errno` and `syscall` are those that Node.js gives when the kernel ends a connection, such as `ETIMEDOUT`, so that
 * a program retries in the same way. `reason` says more.
 */
export class DeadPeerError extends KeepAliveError {
  override readonly name = 'DeadPeerError';
  readonly code: string;
  /** Negative, like each `errno` of Node.js. */
  readonly errno: number;
  readonly syscall = 'read';
  /** `undefined` if the kernel ended the connection, and the watch saw no reason. */
  readonly reason: EndReason | undefined;
  /** Probes or retransmissions that were unanswered. */
  readonly unanswered: number;
  /** Since anything was received from the peer. */
  readonly silentMs: number;

  /**
   * @internal
   * @param code The kernel's own code. Default: the code of the reason.
   */
  constructor(reason: EndReason | undefined, text: string, seen: SeenOfPeer, code = codeOf(reason)) {
    const { unanswered, silentMs } = seen;
    super(`read ${code}: ${text} (${unanswered} unanswered, last heard ${seconds(silentMs)} ago)`);
    this.code = code;
    this.errno = errnoOf(code);
    this.reason = reason;
    this.unanswered = unanswered;
    this.silentMs = silentMs;
  }
}
