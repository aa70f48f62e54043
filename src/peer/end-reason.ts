import type { Outstanding } from './diagnosis.js';

/**
 * The reason why a connection ended, or is judged to have ended.
 *
 * - `keepalive`: the peer answered none of the probes that its count allows.
 * - `user-timeout`: what was sent, or probed, went unanswered for longer than the user timeout.
 * - `retransmission`: data were sent again as often as the system does (`tcp_retries2`), without an acknowledgement.
 * - `unanswered`: the watch's own decision: the peer left data or probes unanswered for `deadAfter` or `deadWithin`.
 * - `reset`: the peer's kernel answered with RST: it has rebooted, or its program refused.
 * - `refused`: the attempt to connect was refused, because nobody listens there. Only `explainDeath` has this reason.
 * - `unreachable`: a router, a firewall or this system reported that there is no route to the peer.
 * - `aborted`: somebody on this machine ended the connection, such as with `ss -K` or `tcp-keepalive check --reap`.
 * - `closed`: the peer closed the connection with FIN.
 */
export type EndReason =
  | 'keepalive'
  | 'user-timeout'
  | 'retransmission'
  | 'unanswered'
  | 'reset'
  | 'refused'
  | 'unreachable'
  | 'aborted'
  | 'closed';

/** An error of a system call, as Node.js describes it. */
export interface CallError {
  readonly code?: unknown;
  readonly syscall?: unknown;
}

/** The reason for which the peer of a connection is lost. */
export type DeathReason = Exclude<EndReason, 'closed' | 'refused'>;

/** The last known state of a connection before its end. */
interface LastState {
  readonly unansweredKind: Outstanding;
  /** In milliseconds; 0 if there is none. */
  readonly userTimeout: number;
}

const unreachable = new Set<unknown>([
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'ENONET',
  'EPROTO',
  'EACCES',
]);
const reset = new Set<unknown>(['ECONNRESET', 'EPIPE']);

function timeoutReason(last: LastState | undefined): EndReason | undefined {
  if (last === undefined) return undefined;
  if (last.userTimeout > 0) return 'user-timeout';
  return last.unansweredKind === 'retransmission' ? 'retransmission' : 'keepalive';
}

/** Returns whether Node.js created an error because the peer closed its side. Errors of the system have a `syscall`. */
export function isMadeOfEnd({ code, syscall }: CallError): boolean {
  return code === 'ECONNRESET' && syscall === undefined;
}

/** Returns the reason for the error of a call. Returns undefined if the error has no single reason. */
export function reasonOfCall(error: CallError, last: LastState | undefined): EndReason | undefined {
  const { code, syscall } = error;
  if (code === 'ETIMEDOUT') return timeoutReason(last);
  if (code === 'ECONNABORTED') return 'aborted';
  // A firewall's ICMP message is the error of a connection that then times out (net/ipv4/tcp_timer.c, tcp_write_err).
  if (code === 'ECONNREFUSED') return syscall === 'connect' ? 'refused' : 'unreachable';
  if (unreachable.has(code)) return 'unreachable';
  if (isMadeOfEnd(error)) return 'closed';
  return reset.has(code) ? 'reset' : undefined;
}

/** The text of each reason, for people. */
export const reasonTexts: Readonly<Record<EndReason, string>> = {
  keepalive: 'the peer answered no keepalive probe: it crashed, or the way to it is cut',
  'user-timeout': 'the peer acknowledged nothing within the user timeout',
  retransmission: 'the peer did not acknowledge what was sent again and again',
  unanswered: 'the peer answered nothing for as long as the watch allows',
  reset: 'the peer answered with RST: it has rebooted, or its program aborted the connection',
  refused: 'the connection was refused: nobody listens there, or a firewall forbids it',
  unreachable: 'the network says that there is no way to the peer',
  aborted: 'somebody on this machine aborted the connection, such as with `ss -K` or `check --reap`',
  closed: 'the peer closed the connection with FIN',
};
