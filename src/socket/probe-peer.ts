import net from 'node:net';
import { SystemCallError, UnsupportedError } from '../native/index.js';
import { forceProbe, probeLeavesMs, putBack, readOwnState } from './forced-probe.js';
import { type ProbeOptions, probeTimeout } from './probe-options.js';
import { nowMs, sleep } from './real-time.js';
import type { KeepAliveState } from './state.js';
import { carrierOf, type Handle, handleOf, type KeepAliveTarget, openDescriptor, resolveTarget } from './target.js';
import { readTcpInfo } from './tcp-info.js';

/** What asking a peer came to. */
export interface PeerProbe {
  /** Whether the peer's kernel has given a sign of life. */
  readonly answered: boolean;
  /** From the question to the answer, or to the end of waiting; 0 where the peer had been heard just before. */
  readonly elapsedMs: number;
  /**
   * `'heard'`: it was heard within the last second, so nothing was asked. `'probe'`: a keepalive probe asked. `'data'`:
   * what is in flight, or a probe of the peer's closed window, asks by itself.
   */
  readonly method: 'heard' | 'probe' | 'data';
}

/** The kernel probes no peer that it heard within the least idle time there is. */
const recentMs = 1000;

const lookEveryMs = 5;

/** One lost packet proves nothing: at most this many probes are spread over the time. */
const mostProbes = 3;

const askable = new Set(['ESTABLISHED', 'FIN_WAIT1', 'FIN_WAIT2', 'CLOSE_WAIT', 'CLOSING', 'LAST_ACK']);

/** A connection while its peer is asked. */
class Question {
  readonly #handle: Handle;
  readonly #startedAt = nowMs();

  constructor(handle: Handle) {
    this.#handle = handle;
  }

  get elapsedMs(): number {
    return nowMs() - this.#startedAt;
  }

  /** `undefined` once the socket is closed. */
  get #fd(): number | undefined {
    return openDescriptor(this.#handle);
  }

  /** How long ago the peer was heard; `undefined` once the connection has ended. */
  look(): { readonly silentMs: number; readonly isAsking: boolean; readonly unanswered: number } | undefined {
    const fd = this.#fd;
    if (fd === undefined) return undefined;
    const { state, lastAckReceivedMs, lastDataReceivedMs, unacked, notSentBytes = 0, probes } = readTcpInfo(fd);
    if (!askable.has(state)) return undefined;
    return {
      silentMs: Math.min(lastAckReceivedMs, lastDataReceivedMs),
      isAsking: unacked > 0 || notSentBytes > 0,
      unanswered: probes,
    };
  }

  options(): KeepAliveState {
    return readOwnState(this.#handle, this.#fd as number);
  }

  /** Has the kernel send one probe, and puts the options back. */
  async probe(unanswered: number): Promise<void> {
    if (!forceProbe(this, this.#handle, unanswered)) {
      if (this.#fd === undefined) return;
      throw new UnsupportedError(
        'a probe of this connection',
        'an idle and interval of at most 32767 s and a count of at most 127: what this one has from the sysctls could not be put back',
      );
    }
    try {
      await sleep(probeLeavesMs);
    } finally {
      putBack(this, this.#handle);
    }
  }
}

/** Probes that leave the connection's own count one to spare, so that asking does not end it: all but a count of 1 has. */
function probesToSpare(unanswered: number, { enabled, count }: KeepAliveState): number {
  return enabled ? Math.max(1, Math.min(mostProbes, count - 1 - unanswered)) : mostProbes;
}

async function ask(question: Question, timeoutMs: number): Promise<PeerProbe> {
  let seen = question.look();
  if (seen === undefined) {
    throw new SystemCallError('getsockopt', 'ENOTCONN', "the socket must be connected: wait for its 'connect' event");
  }
  if (seen.silentMs < recentMs) return { answered: true, elapsedMs: 0, method: 'heard' };
  const method = seen.isAsking ? 'data' : 'probe';
  const probes = method === 'probe' ? probesToSpare(seen.unanswered, question.options()) : 0;
  for (let sent = 0; ; ) {
    if (sent < probes && question.elapsedMs >= (sent * timeoutMs) / probes) {
      sent += 1;
      await question.probe(seen.unanswered);
    } else await sleep(lookEveryMs);
    seen = question.look();
    const { elapsedMs } = question;
    if (seen === undefined) return { answered: false, elapsedMs, method };
    if (seen.silentMs < elapsedMs) return { answered: true, elapsedMs: elapsedMs - seen.silentMs, method };
    if (elapsedMs >= timeoutMs && sent >= probes) return { answered: false, elapsedMs, method };
  }
}

/** A connection has few probes to spare: who asks while it is asked gets the same answer. */
const asked = new WeakMap<net.Socket, Promise<PeerProbe>>();

/**
 * Asks whether the peer of a connection is there, now.
 *
 * A peer that was heard within the last second is. Any other is sent a keepalive probe at once, by setting `TCP_KEEPIDLE`
 * to 1 s for 20 ms, also where keepalive is off; the options are then as before. With data in flight the kernel's own
 * retransmissions ask. Up to three probes are spread over `timeout` (2 s unless stated), fewer where the connection's
 * count has none to spare. A connection that ends meanwhile, such as by the peer's RST, has not answered. A question
 * while another is open on the same socket gets that one's answer.
 *
 * Linux, no privileges.
 *
 * @throws {SystemCallError} EBADF for a destroyed socket, ENOTSOCK for what is none, ENOTCONN for one not connected.
 * @throws {UnsupportedError} on other platforms, for a unix-domain socket, and where the options could not be put back.
 * @throws {ConfigurationError} for a timeout that is none.
 * @see Linux net/ipv4/tcp.c, tcp_sock_set_keepidle_locked
 */
export async function probePeer(target: KeepAliveTarget, options: ProbeOptions = {}): Promise<PeerProbe> {
  const timeoutMs = probeTimeout('probePeer', options);
  const endpoint = resolveTarget(target, 'getsockopt');
  const socket = endpoint instanceof net.Server ? undefined : carrierOf(endpoint);
  const handle = socket && handleOf(socket);
  if (socket === undefined || handle === undefined || openDescriptor(handle) === undefined) {
    throw new SystemCallError('getsockopt', 'ENOTCONN', 'the target must be a connected socket');
  }
  const open = asked.get(socket);
  if (open !== undefined) return open;
  const answer = ask(new Question(handle), timeoutMs).finally(() => asked.delete(socket));
  asked.set(socket, answer);
  return answer;
}
