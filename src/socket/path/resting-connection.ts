import type net from 'node:net';
import { descriptorOf } from '../../node/handle.js';
import { nowMs } from '../../node/real-time.js';
import type { TrialOutcome } from '../../policy/path/path-verdict.js';
import { setKeepAlive } from '../keep-alive.js';
import { takeSnapshot } from '../probe/take-snapshot.js';
import { type Endpoints, endpointsOf } from './lost-server-ends.js';
import { isAlive, longestReply, restRequest } from './rest-request.js';

/**
 * Who speaks first after the rest.
 *
 * - `'client'`: this end, by a keepalive probe.
 * - `'server'`: the other end, which must be `tcp-keepalive nat serve`.
 */
export type AskingEnd = 'client' | 'server';

/** How a rest ended. `restMs` is the measured time without a packet. */
export type RestEnd =
  | { readonly kind: 'result'; readonly restMs: number; readonly outcome: TrialOutcome }
  /** The server, or another part of this program, went on to send packets. `restMs` is the longest time between two. */
  | { readonly kind: 'disturbed'; readonly restMs: number }
  /** The measurement does not need the result. */
  | { readonly kind: 'cancelled' };

/** On a connection at rest, makes the kernel probe at once, and give up after 3 s: interval 1 s, count 3. */
const probingPolicy = '1:1:3';

/** A connection that the kernel has not given up by then is lost too: timers are late by up to 12.5 %. */
const answeredWithinMs = 4000;

/** Packets shortly after the connection was made, such as a greeting and its acknowledgement, disturb nothing. */
const greetingMs = 1000;

/** A server that closes may send its reason first: a packet this shortly before FIN belongs to the end. */
const closingMs = 1000;

/** A server that has sent packets this often during a rest will send more. */
const mostDisturbances = 3;

/** Three jiffies of 10 ms, the longest that kernels have: both moments are counted in whole ones. */
const clockToleranceMs = 30;

/** A connection that rests, and is then asked once. */
export class RestingConnection {
  /** How long to rest before the question. */
  readonly restMs: number;
  /** The addresses and ports, also after the end. */
  readonly endpoints: Endpoints | undefined;
  readonly #socket: net.Socket;
  readonly #asking: AskingEnd;
  readonly #openedAt = nowMs();
  #lastPacketAt: number;
  #packetBeforeAt: number;
  #segmentsSent: number;
  #disturbances = 0;
  #longestRestMs = 0;
  #asked: { readonly at: number; readonly restMs: number; readonly heardAt: number } | undefined;
  #received = '';
  #end: RestEnd | undefined;

  /** @param socket A socket that is connected just now, with keepalive off. */
  constructor(socket: net.Socket, restMs: number, asking: AskingEnd) {
    this.#socket = socket;
    this.#asking = asking;
    this.restMs = restMs;
    this.endpoints = endpointsOf(socket);
    const snapshot = this.#snapshot();
    this.#lastPacketAt = nowMs() - (snapshot?.silentMs ?? 0);
    this.#packetBeforeAt = this.#lastPacketAt;
    this.#segmentsSent = snapshot?.segmentsSent ?? 0;
    socket.on('error', (error: NodeJS.ErrnoException) => this.#failed(error));
    socket.on('end', () => this.#closedByServer());
    socket.on('close', () => this.#closedByServer());
    if (asking === 'server') {
      socket.setEncoding('latin1').on('data', (text: string) => {
        this.#received = `${this.#received}${text}`.slice(-longestReply);
      });
      socket.write(restRequest(restMs));
    }
    // FIN and RST are noticed only after everything before them was read.
    socket.resume();
  }

  /** How the rest ended; undefined while it goes on. */
  get end(): RestEnd | undefined {
    return this.#end;
  }

  get isResting(): boolean {
    return this.#end === undefined && this.#asked === undefined;
  }

  /** The last text from the server, if the server speaks first after the rest. */
  get received(): string {
    return this.#received;
  }

  /** The latest moment at which this connection is decided, unless packets disturb the rest. */
  get decidedBy(): number {
    return (this.#asked?.at ?? this.#lastPacketAt + this.restMs) + answeredWithinMs;
  }

  /** Takes a snapshot of the connection. Sends the probe once the rest is over, and reads the answer. */
  look(): void {
    if (this.#end !== undefined) return;
    const now = nowMs();
    const snapshot = this.#snapshot();
    // The connection has ended. Its event has the result, and comes in this turn of the event loop.
    if (snapshot === undefined || snapshot.state === 'CLOSE') return;
    // The process may be delayed between the snapshot and a clock: the last packet came between these two moments.
    const heard = { notBefore: now - snapshot.silentMs, notAfter: nowMs() - snapshot.silentMs };
    if (this.#asked !== undefined) {
      if (heard.notBefore > this.#asked.heardAt + clockToleranceMs) this.#result('alive');
      else if (now - this.#asked.at > answeredWithinMs) this.#result('silent');
    } else if (this.#asking === 'server' && isAlive(this.#received)) {
      this.#result('alive', heard.notBefore - this.#lastPacketAt);
    } else {
      if (heard.notBefore > this.#lastPacketAt + clockToleranceMs) this.#disturbed(heard.notAfter);
      else if (snapshot.segmentsSent !== this.#segmentsSent) this.#disturbed(now);
      this.#segmentsSent = snapshot.segmentsSent;
      this.#askIfDue(now, heard.notAfter);
    }
  }

  /** The time without a packet so far, in milliseconds. */
  get quietMs(): number {
    return nowMs() - this.#lastPacketAt;
  }

  /** Closes the connection: with FIN, or if the path may have forgotten it with RST, which leaves its port free at once. */
  close({ isForgotten = false } = {}): void {
    this.#end ??= { kind: 'cancelled' };
    if (isForgotten) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  #snapshot() {
    const fd = descriptorOf(this.#socket);
    return fd === undefined ? undefined : takeSnapshot(fd);
  }

  #askIfDue(now: number, heardAt: number): void {
    if (this.#end !== undefined || now - this.#lastPacketAt < this.restMs) return;
    this.#asked = { at: now, restMs: now - this.#lastPacketAt, heardAt };
    // The server speaks at the same moment.
    if (this.#asking === 'server') return;
    try {
      setKeepAlive(this.#socket, probingPolicy);
    } catch {
      // The connection has ended: its event has the result.
      this.#asked = undefined;
    }
  }

  #disturbed(at: number): void {
    this.#packetBeforeAt = this.#lastPacketAt;
    this.#lastPacketAt = at;
    if (at - this.#openedAt < greetingMs) return;
    this.#disturbances += 1;
    this.#longestRestMs = Math.max(this.#longestRestMs, at - this.#packetBeforeAt);
    if (this.#disturbances < mostDisturbances) return;
    this.#end = { kind: 'disturbed', restMs: this.#longestRestMs };
    this.#socket.destroy();
  }

  #result(outcome: TrialOutcome, restMs = this.#asked?.restMs ?? this.#restNow()): void {
    if (this.#end !== undefined) return;
    this.#end = { kind: 'result', restMs: Math.round(restMs), outcome };
    this.#socket.destroy();
  }

  /** Returns the time without a packet until now; a packet just before now belongs to the end of the connection. */
  #restNow(): number {
    const now = nowMs();
    const isOfEnd = now - this.#lastPacketAt < closingMs && this.#packetBeforeAt < this.#lastPacketAt;
    return isOfEnd ? this.#lastPacketAt - this.#packetBeforeAt : now - this.#lastPacketAt;
  }

  #failed({ code }: NodeJS.ErrnoException): void {
    this.#result(code === 'ECONNRESET' || code === 'EPIPE' ? 'reset' : 'silent');
  }

  #closedByServer(): void {
    // FIN after the probe has crossed the path, as an answer does.
    this.#result(this.#asked === undefined ? 'closed-by-server' : 'alive');
  }
}
