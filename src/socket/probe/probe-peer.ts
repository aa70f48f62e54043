import type net from 'node:net';
import { SystemCallError, UnsupportedError } from '../../native/errors.js';
import { Server } from '../../node/classes.js';
import { carrierOf, fdOf, type Handle, handleOf } from '../../node/handle.js';
import { nowMs, sleep } from '../../node/real-time.js';
import type { Snapshot } from '../../peer/snapshot.js';
import { latestTickMs } from '../../policy/model/probe-safety.js';
import { hasDataToSend } from '../../wire/tcp-info/decode.js';
import { abortReason, assertSignal, isAborted, untilAborted } from '../abort-signal.js';
import { readState } from '../options.js';
import { currentPlatform } from '../platforms/index.js';
import { type KeepAliveTarget, resolveTarget } from '../target.js';
import { type ExtraProbe, sendExtraProbe } from './extra-probe.js';
import { type ProbeOptions, probeTimeout } from './probe-options.js';
import { takeSnapshot } from './take-snapshot.js';

/** Options of {@link probePeer}. */
export interface PeerProbeOptions extends ProbeOptions {
  /** Rejects the call with the signal's reason as soon as the signal is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** A peer that was asked, or did not have to be. */
export interface AskedPeer {
  /** `true`: the peer's kernel has given a sign of life. `false`: it was asked and has not, or the connection has ended. */
  readonly answered: boolean;
  /** From the question to the answer, or to the end of waiting; 0 if the peer had been heard just before. */
  readonly elapsedMs: number;
  /**
   * `'heard'`: the peer was heard within the last second, so nothing was asked. `'probe'`: a keepalive probe asked.
   * `'data'`: a transmission of data, or a probe of the peer's closed window, asked. `'ended'`: the connection ended before
   * anything asked.
   */
  readonly method: 'heard' | 'probe' | 'data' | 'ended';
  readonly unanswered?: undefined;
}

/** A peer that could not be asked without risk to its connection. */
export interface UnaskedPeer {
  /** A string, so that `!answered` holds only for a peer that was asked and is silent. */
  readonly answered: 'not-asked';
  readonly elapsedMs: number;
  readonly method?: undefined;
  /** Probes of its own kernel that the peer has left unanswered. With 0 nothing is known of the peer, else it is suspect. */
  readonly unanswered: number;
  /** Why the peer was not asked. */
  readonly why: string;
  /** How to make asking possible. */
  readonly remedy: string;
}

/** The result of asking a peer. */
export type PeerProbe = AskedPeer | UnaskedPeer;

/** The kernel probes no peer that it heard within the least idle time there is. */
const recentMs = 1000;

const pollMs = 5;

/** One lost packet proves nothing: at most this many probes are spread over the time. */
const mostProbes = 3;

const askable = new Set(['ESTABLISHED', 'FIN_WAIT1', 'FIN_WAIT2', 'CLOSE_WAIT', 'CLOSING', 'LAST_ACK']);

const longer = 'ask again, with a longer timeout';
const late = { why: 'the kernel sent no probe in time', remedy: longer };
const notDue = { why: 'its kernel probes it once a second or less often, and no probe was due', remedy: longer };
const notSentAgain = { why: 'data are in flight, and no retransmission was due', remedy: longer };
const windowClosed = { why: 'the peer does not read, and no probe of its window was due', remedy: longer };

/** How many callers wait for the answer to a question. The question ends early if no caller is left. */
interface Callers {
  count: number;
}

/** A connection while its peer is asked. */
class Question {
  readonly #handle: Handle;
  readonly #timeoutMs: number;
  readonly #callers: Callers;
  readonly #startedAt = nowMs();
  readonly #before: Snapshot;
  #seen: Snapshot;
  /** When the first segment went out that asks the peer, in milliseconds since the start; undefined if none has. */
  #askedAtMs: number | undefined;
  /** How often asking was tried. */
  #tries = 0;
  /** Why the last extra probe was not sent. */
  #refusal: Exclude<ExtraProbe, 'sent' | 'closed'> | undefined;

  constructor(handle: Handle, timeoutMs: number, callers: Callers, seen: Snapshot) {
    this.#handle = handle;
    this.#timeoutMs = timeoutMs;
    this.#callers = callers;
    this.#seen = seen;
    this.#before = seen;
    // An answer to data that were sent just now may still be on its way.
    if (seen.unacked > 0 && seen.lastDataSentMs < recentMs) this.#askedAtMs = 0;
  }

  get #elapsedMs(): number {
    return nowMs() - this.#startedAt;
  }

  async ask(): Promise<PeerProbe> {
    for (;;) {
      if (this.#isTimeToProbe) await this.#probe();
      else await sleep(pollMs);
      const elapsedMs = this.#elapsedMs;
      const seen = snapshotOfOpen(this.#handle);
      if (seen === undefined) return this.#ended(elapsedMs);
      if (seen.silentMs < elapsedMs) return this.#outcome(true, elapsedMs - seen.silentMs);
      if (this.#isAskedSince(seen)) this.#askedAtMs ??= elapsedMs;
      this.#seen = seen;
      if (this.#isOver(elapsedMs)) return this.#verdict(elapsedMs);
    }
  }

  /** Returns whether the connection's own kernel has asked the peer since the question began. */
  #isAskedSince({ probes, unacked, segmentsSent }: Snapshot): boolean {
    return probes > this.#before.probes || (unacked > 0 && segmentsSent !== this.#before.segmentsSent);
  }

  get #isTimeToProbe(): boolean {
    if (hasDataToSend(this.#seen) || this.#tries >= mostProbes || typeof this.#refusal === 'object') return false;
    return this.#refusal !== 'wait' && this.#elapsedMs >= (this.#tries * this.#timeoutMs) / mostProbes;
  }

  async #probe(): Promise<void> {
    this.#tries += 1;
    const probe = await sendExtraProbe(this.#handle);
    if (probe === 'closed') return;
    if (probe === 'sent') this.#askedAtMs ??= this.#elapsedMs;
    else this.#refusal = probe;
  }

  /** A peer that waits for its own kernel's probe has as much time to answer as one that was sent an extra one. */
  #isOver(elapsedMs: number): boolean {
    if (this.#callers.count === 0) return true;
    if (this.#askedAtMs !== undefined) return elapsedMs >= this.#askedAtMs + this.#timeoutMs;
    // With probes unanswered the kernel sends the next one on its own.
    if (typeof this.#refusal === 'object' && this.#seen.probes === 0) return true;
    return elapsedMs >= this.#timeoutMs + (this.#refusal === 'wait' ? latestTickMs(recentMs) : 0);
  }

  #verdict(elapsedMs: number): PeerProbe {
    const { probes, unacked } = this.#seen;
    if (this.#askedAtMs !== undefined && (probes > 0 || unacked > 0)) return this.#outcome(false, elapsedMs);
    const refusal = typeof this.#refusal === 'object' ? this.#refusal : undefined;
    const reason = this.#refusal === 'late' ? late : notDue;
    const ownReason = unacked > 0 ? notSentAgain : hasDataToSend(this.#seen) ? windowClosed : undefined;
    return { answered: 'not-asked', elapsedMs, unanswered: probes, ...(ownReason ?? refusal ?? reason) };
  }

  #ended(elapsedMs: number): AskedPeer {
    if (this.#askedAtMs === undefined) return { answered: false, elapsedMs, method: 'ended' };
    return this.#outcome(false, elapsedMs);
  }

  #outcome(answered: boolean, elapsedMs: number): AskedPeer {
    return { answered, elapsedMs, method: hasDataToSend(this.#seen) ? 'data' : 'probe' };
  }
}

/** Takes a snapshot of a connection whose peer may be asked. Returns undefined once the connection has ended. */
function snapshotOfOpen(handle: Handle): Snapshot | undefined {
  const fd = fdOf(handle);
  const snapshot = fd === undefined ? undefined : takeSnapshot(fd);
  return snapshot !== undefined && askable.has(snapshot.state) ? snapshot : undefined;
}

async function ask(handle: Handle, timeoutMs: number, isConnecting: boolean, callers: Callers): Promise<PeerProbe> {
  const { tcpInfo } = currentPlatform();
  if (tcpInfo === undefined) throw new UnsupportedError('asking a peer', 'Linux');
  const seen = snapshotOfOpen(handle);
  if (seen === undefined) {
    const fd = fdOf(handle);
    // Refuses a descriptor that is no TCP socket.
    if (fd !== undefined) readState(fd, currentPlatform());
    // The peer's RST has arrived, and the program has not heard of it yet.
    const hasEnded = fd !== undefined && !isConnecting && takeSnapshot(fd)?.state === 'CLOSE';
    if (hasEnded) return { answered: false, elapsedMs: 0, method: 'ended' };
    throw new SystemCallError('getsockopt', 'ENOTCONN', "the socket must be connected: wait for its 'connect' event");
  }
  if (seen.silentMs < recentMs) return { answered: true, elapsedMs: 0, method: 'heard' };
  return new Question(handle, timeoutMs, callers, seen).ask();
}

/** An open question. A connection has few probes to spare, so callers at the same time share one question. */
interface Asking {
  readonly answer: Promise<PeerProbe>;
  readonly callers: Callers;
}

const asked = new WeakMap<net.Socket, Asking>();

function startAsking(socket: net.Socket, handle: Handle, timeoutMs: number): Asking {
  const callers = { count: 1 };
  const asking = { answer: ask(handle, timeoutMs, socket.connecting, callers), callers };
  asked.set(socket, asking);
  return asking;
}

/**
 * Asks whether the peer of a connection is there, now.
 *
 * - A peer that was heard within the last second has answered.
 * - Data in flight ask when the kernel sends them: the next retransmission may be due only after the timeout.
 * - Otherwise the kernel sends a keepalive probe at once: TCP_KEEPIDLE is overridden with 1 s for one tick of the kernel,
 *   4 ms at HZ 250. The thread is blocked for that tick, so that the override is always restored. Connections that are
 *   asked within a millisecond share the tick.
 * - If an unanswered probe could end a connection whose peer is back, the peer is not asked, and `why` gives the reason:
 *   keepalive is off, the count leaves no probe to spare (3 always suffice with an interval of 5 s), or a user timeout is
 *   shorter than idle.
 * - If idle is 1 s already, the kernel's own probe asks, which is due within about a second.
 *
 * Up to three probes are spread over `timeout`, fewer if the count has none to spare. A connection that ends meanwhile, such
 * as by the peer's RST, has not answered. If the socket's peer is being asked already, the call returns the same result.
 *
 * Linux, no privileges. A socket whose idle time followed the sysctl has an idle time of its own afterwards.
 *
 * @example
 * const { answered, unanswered = 0 } = await probePeer(socket, { timeout: '500ms' });
 * if (answered === false || unanswered > 0) socket.destroy(); // silent, now or when its own kernel asked
 * @throws {TypeError} ERR_INVALID_ARG_TYPE if the target is no socket.
 * @throws {SystemCallError} EBADF if the socket was destroyed, ENOTCONN if the socket
 * is not connected.
 * @throws {UnsupportedError} on other platforms, and if the target is a unix-domain socket.
 * @throws {ConfigurationError} if `timeout` is not a positive duration.
 * @see Linux net/ipv4/tcp_timer.c, tcp_keepalive_timer; net/ipv4/tcp.c, tcp_sock_set_keepidle_locked
 */
export async function probePeer(target: KeepAliveTarget, options: PeerProbeOptions = {}): Promise<PeerProbe> {
  const timeoutMs = probeTimeout('probePeer', options, ['signal']);
  const { signal } = options;
  assertSignal('probePeer', signal);
  const endpoint = resolveTarget(target, 'getsockopt');
  const socket = endpoint instanceof Server ? undefined : carrierOf(endpoint);
  const handle = socket && handleOf(socket);
  if (socket === undefined || handle === undefined || fdOf(handle) === undefined) {
    throw new SystemCallError('getsockopt', 'ENOTCONN', 'the target must be a connected socket');
  }
  if (signal !== undefined && isAborted(signal)) throw abortReason(signal);
  const asking = asked.get(socket);
  if (asking !== undefined) asking.callers.count += 1;
  const { answer, callers } = asking ?? startAsking(socket, handle, timeoutMs);
  try {
    return await untilAborted(answer, signal);
  } finally {
    callers.count -= 1;
    const isOver = callers.count === 0 || signal === undefined || !isAborted(signal);
    if (isOver && asked.get(socket)?.callers === callers) asked.delete(socket);
  }
}
