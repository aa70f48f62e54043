import type net from 'node:net';
import type { TcpState } from '../../wire/tcp-state.js';
import type { DeadPeerError } from './dead-peer-error.js';
import type { LastSight } from './last-seen.js';

/**
 * Why a connection ended, or is held to have ended.
 *
 * - `keepalive`: the peer answered none of the probes that its count allows.
 * - `user-timeout`: what was sent, or probed, went unanswered for longer than the user timeout.
 * - `retransmission`: data were sent again as often as the system does (`tcp_retries2`), without an acknowledgement.
 * - `unanswered`: the watch's own verdict, `deadAfter`: something of ours went unanswered for that long.
 * - `reset`: the peer's kernel answered with RST: it has rebooted, or its program refused.
 * - `unreachable`: a router or the own system said that there is no way to the peer.
 * - `aborted`: somebody on this machine ended the connection, such as with `ss -K` or `tcp-keepalive check --reap`.
 * - `closed`: the peer closed the connection with FIN.
 */
export type DeathReason =
  | 'keepalive'
  | 'user-timeout'
  | 'retransmission'
  | 'unanswered'
  | 'reset'
  | 'unreachable'
  | 'aborted'
  | 'closed';

/** What errors of Node.js say of a failed call; whatever else a program may throw is read with care. */
export function descriptionOf(error: unknown): {
  readonly code: unknown;
  readonly syscall: unknown;
  readonly cause?: unknown;
} {
  try {
    const { code, syscall, cause } = error as NodeJS.ErrnoException;
    return { code, syscall, cause };
  } catch {
    return { code: undefined, syscall: undefined };
  }
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
const reset = new Set<unknown>(['ECONNRESET', 'EPIPE', 'ECONNREFUSED']);

function timeoutReason(sight: LastSight | undefined): DeathReason | undefined {
  if (sight === undefined) return undefined;
  if (sight.userTimeout > 0) return 'user-timeout';
  return sight.unansweredKind === 'retransmission' ? 'retransmission' : 'keepalive';
}

/** Under this an error has whose peer was given up: a pipeline destroys its other sockets with the same error. */
const ofSocket = Symbol.for('tcp-keepalive/dead-peer/1');

/** Keeps which socket's peer is dead. */
export function rememberDead(error: DeadPeerError, socket: net.Socket): void {
  Object.defineProperty(error, ofSocket, { value: new WeakRef(socket) });
}

function socketGivenUp(error: unknown): WeakRef<net.Socket> | undefined {
  const { [ofSocket]: socket } = error as { readonly [ofSocket]?: WeakRef<net.Socket> };
  return socket;
}

/** Returns true if a watch gave a peer up with this error, also a watch of another copy of this package. */
export function isOfDeadPeer(error: unknown): error is DeadPeerError {
  try {
    return socketGivenUp(error) !== undefined;
  } catch {
    return false;
  }
}

/** Returns the reason that an error of a connection stands for; `undefined` if the error does not tell. */
export function reasonOf(error: unknown, sight: LastSight | undefined): DeathReason | undefined {
  if (isOfDeadPeer(error)) return error.reason;
  const described = descriptionOf(error);
  const { code } = described;
  if (code === 'ETIMEDOUT') return timeoutReason(sight);
  if (code === 'ECONNABORTED') return 'aborted';
  if (unreachable.has(code)) return 'unreachable';
  if (isMadeOfEnd(described)) return 'closed';
  return reset.has(code) ? 'reset' : undefined;
}

/** Returns whether Node.js made the error up because the peer had closed its side: the system's name a call. */
export function isMadeOfEnd({ code, syscall }: { readonly code?: unknown; readonly syscall?: unknown }): boolean {
  return code === 'ECONNRESET' && syscall === undefined;
}

const closedByPeer: ReadonlySet<TcpState> = new Set(['CLOSE_WAIT', 'LAST_ACK', 'CLOSE']);

/**
 * Returns whether a connection ended with an error, and not its program with that error while the connection was open.
 *
 * @param lastState The state when the descriptor was closed; `undefined` if it was not seen.
 */
export function isOfConnection(error: NodeJS.ErrnoException, socket: net.Socket, lastState?: TcpState): boolean {
  if (isOfDeadPeer(error)) return socketGivenUp(error)?.deref() === socket;
  if (isMadeOfEnd(error)) return lastState !== undefined && closedByPeer.has(lastState);
  return error.syscall !== undefined && (lastState === undefined || lastState === 'CLOSE');
}

/** One sentence for each reason. */
export const stories: Readonly<Record<DeathReason, string>> = {
  keepalive: 'the peer answered no keepalive probe: it crashed, or the way to it is cut',
  'user-timeout': 'the peer acknowledged nothing within the user timeout',
  retransmission: 'the peer did not acknowledge what was sent again and again',
  unanswered: 'the peer answered nothing for as long as the watch allows',
  reset: 'the peer answered with RST: it has rebooted, or its program refused the connection',
  unreachable: 'the network says that there is no way to the peer',
  aborted: 'somebody on this machine aborted the connection, such as with `ss -K` or `check --reap`',
  closed: 'the peer closed the connection with FIN',
};
