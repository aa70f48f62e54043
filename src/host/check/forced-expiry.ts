import { SystemCallError, UnsupportedError } from '../../native/errors.js';
import type { OwnedDescriptor } from '../../native/owned-descriptor.js';
import { pause } from '../../native/pause.js';
import { writeIntOption } from '../../native/socket/socket-options.js';
import { nowMs } from '../../node/real-time.js';
import { overrideMs } from '../../policy/model/probe-safety.js';
import { readState } from '../../socket/options.js';
import { linux } from '../../socket/platforms/linux.js';
import type { KeepAliveState } from '../../socket/state.js';
import { readTcpInfo } from '../../socket/tcp-info.js';
import { hasDataToSend, silentMsOf, type TcpInfo } from '../../wire/tcp-info/decode.js';
import { Copies } from '../options/copies.js';
import type { SocketReference } from '../options/source.js';
import { restoreOption } from './forced-probe.js';

/** A connection that the kernel is to end. */
export interface Expiring {
  readonly socket: SocketReference;
  /** The least silence of the peer, in milliseconds: a peer that was heard since keeps its connection. */
  readonly silentMs: number;
  /** When the next retransmission of what is in flight is due, in milliseconds from now. */
  readonly retransmissionMs: number | undefined;
}

/** The result for a connection. */
export interface Expiry {
  readonly outcome: 'expired' | 'answered' | 'failed';
  readonly error?: string;
}

const idleSeconds = 1;
const pollMs = 2;

/** How long this thread is blocked at most while it waits for a retransmission. */
const retransmissionWithinMs = 250;

/** Kernel clocks are as coarse as their ticks: a user timeout that is shorter by this much has certainly passed. */
const clockToleranceMs = 100;

const failed = (error: string): Expiry => ({ outcome: 'failed', error });

/** Waits until the kernel has ended the connection. Returns whether it has. */
function awaitDeath(fd: number, withinMs: number): boolean {
  const end = nowMs() + withinMs;
  for (;;) {
    if (readTcpInfo(fd).state === 'CLOSE') return true;
    if (nowMs() >= end) return false;
    pause(pollMs);
  }
}

/** Sets a user timeout that has passed, and without data in flight an idle time that has passed; restores both. */
function expireNow(
  fd: number,
  own: KeepAliveState,
  userTimeoutMs: number,
  hasData: boolean,
  withinMs: number,
): boolean {
  const ownIdleSeconds = own.idle / linux.idle.unitMs;
  writeIntOption(fd, linux.userTimeout, userTimeoutMs);
  try {
    // The idle time arms the timer, so it is set last.
    if (!hasData) writeIntOption(fd, linux.idle, idleSeconds);
    return awaitDeath(fd, withinMs);
  } finally {
    // The user timeout could end the connection, so it is restored first.
    restoreOption(fd, linux.userTimeout, userTimeoutMs, own.userTimeout ?? 0);
    if (!hasData && ownIdleSeconds !== idleSeconds) restoreOption(fd, linux.idle, idleSeconds, ownIdleSeconds);
  }
}

/** Returns why the kernel would not end the connection now; `undefined` if it would. */
function whyNotNow(
  info: TcpInfo,
  { enabled }: KeepAliveState,
  retransmissionMs: number | undefined,
): string | undefined {
  if (!hasDataToSend(info)) return enabled && info.probes > 0 ? undefined : 'no probe of its own is unanswered';
  if (retransmissionMs !== undefined && retransmissionMs <= retransmissionWithinMs) return undefined;
  const away = retransmissionMs === undefined ? 'not due' : `${Math.ceil(retransmissionMs / 1000)} s away`;
  return `data is in flight, and its next retransmission is ${away}`;
}

/** Returns a user timeout that the silence has exceeded, and how long the kernel may take to notice. */
function exceeded(info: TcpInfo, retransmissionMs: number) {
  // Data in flight were last sent at least one retransmission timeout before their next retransmission.
  const ms = hasDataToSend(info) ? info.rtoMs * 0.8 : silentMsOf(info) - clockToleranceMs;
  const withinMs = hasDataToSend(info) ? retransmissionMs + overrideMs : overrideMs * 0.8;
  return { userTimeoutMs: Math.max(1, Math.floor(ms)), withinMs };
}

function expireCopy({ fd }: OwnedDescriptor, { silentMs, retransmissionMs }: Expiring): Expiry {
  const info = readTcpInfo(fd);
  if (info.state === 'CLOSE') return { outcome: 'expired' };
  if (silentMsOf(info) < silentMs) return { outcome: 'answered' };
  const own = readState(fd, linux);
  const why = whyNotNow(info, own, retransmissionMs);
  if (why !== undefined) return failed(why);
  const { userTimeoutMs, withinMs } = exceeded(info, retransmissionMs ?? 0);
  if (expireNow(fd, own, userTimeoutMs, hasDataToSend(info), withinMs)) return { outcome: 'expired' };
  const isHeard = silentMsOf(readTcpInfo(fd)) < silentMs;
  if (isHeard) return { outcome: 'answered' };
  return failed(
    `${hasDataToSend(info) ? 'data is in flight, and ' : ''}the kernel has not found the peer dead in time`,
  );
}

/**
 * Makes the kernel end a connection whose peer has left a probe or a retransmission unanswered, like its own keepalive.
 * Sets a user timeout that the silence has exceeded already, and an idle time of 1 s, whose tick finds the timeout exceeded.
 * The program gets ETIMEDOUT. Restores both options before it returns, within 50 ms, or 300 ms with data in flight.
 *
 * @see Linux net/ipv4/tcp_timer.c, tcp_keepalive_timer, tcp_write_timeout
 */
export function forceExpiry(expiring: Expiring): Expiry {
  try {
    using copies = new Copies();
    using copy = copies.copy(expiring.socket);
    return expireCopy(copy, expiring);
  } catch (error) {
    if (error instanceof SystemCallError || error instanceof UnsupportedError) return failed(error.message);
    throw error;
  }
}
