import type net from 'node:net';
import { describeValue } from '../../policy/index.js';
import type { TcpState } from '../../wire/tcp-state.js';
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
  /** `undefined`, as below, where it was looked at only when it had ended. */
  readonly unacknowledgedBytes: number | undefined;
  readonly zeroWindow: boolean | undefined;
  readonly userTimeout: number;
}

const lastSights = new WeakMap<net.Socket, LastSight>();

/** Keeps what was last seen of a connection for {@link explainDeath}. */
export function rememberSight(socket: net.Socket, sight: LastSight): void {
  lastSights.set(socket, sight);
}

/** What was last seen was long before the end, and says nothing of it. */
export function forgetSight(socket: net.Socket): void {
  lastSights.delete(socket);
}

/** A watch sees such a connection several times a second; it may have been given up since, or the program held up. */
const freshMs = 10_000;

/** What was last seen of a connection, if not all was well then, and that was not long ago. */
export function lastSightOf(socket: net.Socket): LastSight | undefined {
  const sight = lastSights.get(socket);
  if (sight === undefined || performance.now() - sight.seenAt > freshMs) return undefined;
  return sight.unanswered > 0 || sight.zeroWindow === true ? sight : undefined;
}

/** What errors of Node.js say of a failed call; whatever else a program may throw is read with care. */
function descriptionOf(error: unknown): { readonly code: unknown; readonly syscall: unknown } {
  try {
    const { code, syscall } = error as NodeJS.ErrnoException;
    return { code, syscall };
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

/** The reason that an error of a connection stands for; `undefined` where it cannot be told. */
function reasonOf(error: unknown, sight: LastSight | undefined): DeathReason | undefined {
  if (error === undefined || error === null) return 'closed';
  if (error instanceof DeadPeerError) return 'unanswered';
  const described = descriptionOf(error);
  const { code } = described;
  if (code === 'ETIMEDOUT') return timeoutReason(sight);
  if (unreachable.has(code)) return 'unreachable';
  if (isMadeOfEnd(described)) return 'closed';
  return reset.has(code) ? 'reset' : undefined;
}

/** Whose peer the watch gave up: a pipeline destroys its other sockets with the same error. */
const givenUp = new WeakMap<DeadPeerError, net.Socket>();

/** Keeps which socket's peer is dead. */
export function rememberDead(error: DeadPeerError, socket: net.Socket): void {
  givenUp.set(error, socket);
}

/** Whether Node.js made the error up because the peer had closed its side: the system's name a call. */
function isMadeOfEnd({ code, syscall }: { readonly code?: unknown; readonly syscall?: unknown }): boolean {
  return code === 'ECONNRESET' && syscall === undefined;
}

const closedByPeer: ReadonlySet<TcpState> = new Set(['CLOSE_WAIT', 'LAST_ACK', 'CLOSE']);

/**
 * Whether an error is what a connection ended with, and not what its program ended it with: then it was still open.
 *
 * @param lastState As its descriptor was closed; `undefined` where that was not seen.
 */
export function isOfConnection(error: NodeJS.ErrnoException, socket: net.Socket, lastState?: TcpState): boolean {
  if (error instanceof DeadPeerError) return givenUp.get(error) === socket;
  if (isMadeOfEnd(error)) return lastState !== undefined && closedByPeer.has(lastState);
  return error.syscall !== undefined && (lastState === undefined || lastState === 'CLOSE');
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
  const told = error instanceof Error ? error.message : describeValue(error);
  const text = reason === undefined ? `the connection ended with: ${told}` : stories[reason];
  const seen = error instanceof DeadPeerError ? error : sight;
  return { reason, unanswered: seen?.unanswered, silentMs: seen?.silentMs, text };
}
