import type net from 'node:net';
import type { Outstanding } from './condition.js';

/**
 * Why a connection ended, or is held to have ended.
 *
 * - `keepalive`: the peer answered none of the probes that its count allows.
 * - `user-timeout`: what was sent, or probed, went unanswered for longer than the user timeout.
 * - `retransmission`: data were sent again as often as the system does (`tcp_retries2`), without an acknowledgement.
 * - `unanswered`: the watch's own verdict, `deadAfter`: something of ours went unanswered for that long.
 * - `reset`: the peer's kernel answered with RST: it has rebooted, or its program refused.
 * - `unreachable`: a router or the own system said that there is no way to the peer.
 * - `closed`: the peer closed in good order, with FIN.
 */
export type DeathReason =
  | 'keepalive'
  | 'user-timeout'
  | 'retransmission'
  | 'unanswered'
  | 'reset'
  | 'unreachable'
  | 'closed';

/** The story of a connection's end. */
export interface Death {
  readonly reason: DeathReason | undefined;
  /** Probes or retransmissions that were unanswered; `undefined` where nobody watched. */
  readonly unanswered: number | undefined;
  /** Since anything was received from the peer. */
  readonly silentMs: number | undefined;
  /** One sentence for people. */
  readonly text: string;
}

/** Given to a socket that a watch destroys because its peer is dead. */
export class DeadPeerError extends Error {
  override readonly name = 'DeadPeerError';
  readonly code = 'ERR_DEAD_PEER';
  /** Probes or retransmissions that were unanswered. */
  readonly unanswered: number;
  /** Since anything was received from the peer. */
  readonly silentMs: number;

  constructor(unanswered: number, silentMs: number, forMs: number) {
    const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
    super(
      `the peer has answered nothing for ${seconds(forMs)} (${unanswered} unanswered, last heard ${seconds(silentMs)} ago)`,
    );
    this.unanswered = unanswered;
    this.silentMs = silentMs;
  }
}

/** What was last seen of a connection when not all was well, or had just become so. */
export interface LastSight {
  /** When it was seen (`performance.now()`). */
  readonly seenAt: number;
  readonly unansweredKind: Outstanding;
  readonly unanswered: number;
  readonly silentMs: number;
  readonly idleMs: number;
  readonly rttMs: number;
  readonly unacknowledgedBytes: number;
  readonly zeroWindow: boolean;
  readonly userTimeout: number;
}

const lastSights = new WeakMap<net.Socket, LastSight>();

/** Keeps what was last seen of a connection for {@link explainDeath}. */
export function rememberSight(socket: net.Socket, sight: LastSight): void {
  lastSights.set(socket, sight);
}

/** A watch sees such a connection several times a second; it may have been given up since, or the program held up. */
const freshMs = 10_000;

/** What was last seen of a connection, if not all was well then, and that was not long ago. */
export function lastSightOf(socket: net.Socket): LastSight | undefined {
  const sight = lastSights.get(socket);
  if (sight === undefined || performance.now() - sight.seenAt > freshMs) return undefined;
  return sight.unanswered > 0 || sight.zeroWindow ? sight : undefined;
}

const unreachable = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'ENONET', 'EPROTO', 'EACCES']);
const reset = new Set(['ECONNRESET', 'EPIPE', 'ECONNREFUSED']);

function timeoutReason(sight: LastSight | undefined): DeathReason | undefined {
  if (sight === undefined) return undefined;
  if (sight.userTimeout > 0) return 'user-timeout';
  return sight.unansweredKind === 'retransmission' ? 'retransmission' : 'keepalive';
}

/** The reason that an error of a connection stands for; `undefined` where it cannot be told. */
function reasonOf(error: unknown, sight: LastSight | undefined): DeathReason | undefined {
  if (error === undefined || error === null) return 'closed';
  if (error instanceof DeadPeerError) return 'unanswered';
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ETIMEDOUT') return timeoutReason(sight);
  if (code !== undefined && unreachable.has(code)) return 'unreachable';
  return code !== undefined && reset.has(code) ? 'reset' : undefined;
}

/** Which socket an error was told of first: a pipeline destroys its other sockets with the same one. */
const claimed = new WeakMap<object, net.Socket>();

/** A listener of a socket's errors, which leaves them to the program. */
export function claimError(this: net.Socket, error: unknown): void {
  if (typeof error === 'object' && error !== null && !claimed.has(error)) claimed.set(error, this);
}

/** Whether an error is what a connection ended with, and not what its program ended it with. */
export function isOfConnection(error: Error, socket: net.Socket): boolean {
  const isOfSystem = (error as NodeJS.ErrnoException).syscall !== undefined;
  return (isOfSystem || error instanceof DeadPeerError) && (claimed.get(error) ?? socket) === socket;
}

/** The error that a connection must have ended with, which was seen last with something unanswered, or nothing. */
export function likelyError(socket: net.Socket): { readonly code: 'ETIMEDOUT' | 'ECONNRESET' } {
  return { code: (lastSights.get(socket)?.unanswered ?? 0) > 0 ? 'ETIMEDOUT' : 'ECONNRESET' };
}

const stories: Readonly<Record<DeathReason, string>> = {
  keepalive: 'the peer answered no keepalive probe: it crashed, or the way to it is cut',
  'user-timeout': 'the peer acknowledged nothing within the user timeout',
  retransmission: 'the peer did not acknowledge what was sent again and again',
  unanswered: 'the peer answered nothing for as long as the watch allows',
  reset: 'the peer answered with RST: it has rebooted, or its program refused the connection',
  unreachable: 'the network says that there is no way to the peer',
  closed: 'the peer closed the connection in good order',
};

/**
 * Tells why a connection ended, from its error (`undefined` or `null` for an orderly end) and from what a watch last saw
 * of it.
 *
 * Without a watch, ETIMEDOUT cannot be told apart: `reason` is then `undefined`, as for errors that are not of the
 * connection.
 */
export function explainDeath(error: unknown, socket: net.Socket): Death {
  const sight = lastSights.get(socket);
  const reason = reasonOf(error, sight);
  const told = error instanceof Error ? error.message : String(error);
  const text = reason === undefined ? `the connection ended with: ${told}` : stories[reason];
  const seen = error instanceof DeadPeerError ? error : sight;
  return { reason, unanswered: seen?.unanswered, silentMs: seen?.silentMs, text };
}
