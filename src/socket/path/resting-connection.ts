import type net from 'node:net';
import { descriptorOf } from '../../node/handle.js';
import { nowMs } from '../../node/real-time.js';
import type { TrialOutcome } from '../../policy/plan/path-verdict.js';
import { setKeepAlive } from '../keep-alive.js';
import { takeSnapshot } from '../probe/take-snapshot.js';
import { type ConnectionEnds, endsOf } from './lost-server-ends.js';
import { isAlive, restRequest } from './rest-request.js';

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
  | { readonly kind: 'disturbed'; readonly restMs: number };

/** Makes the kernel probe at once, and give up after 3 s: interval 1 s, count 3. */
const question = '1:1:3';

/** A connection that the kernel has not given up by then is lost too: timers are late by up to 12.5 %. */
const answeredWithinMs = 4000;

/** Packets shortly after the connection was made, such as a greeting and its acknowledgement, disturb nothing. */
const greetingMs = 1000;

/** A server that closes may say so before: a packet so shortly before FIN belongs to the end. */
const farewellMs = 1000;

/** A server that has spoken so often during a rest will speak again. */
const mostDisturbances = 3;

/** Clocks of the kernel count whole milliseconds or jiffies, of 10 ms at most. */
const clockMs = 30;

/** A connection that rests, and is then asked once. */
export class RestingConnection {
  /** How long to rest before the question. */
  readonly restMs: number;
  /** The addresses and ports, also after the end. */
  readonly ends: ConnectionEnds | undefined;
  readonly #socket: net.Socket;
  readonly #asking: AskingEnd;
  readonly #openedAt = nowMs();
  /** When the last packet was seen, and the one before. */
  #quietSince: number;
  #quietBefore: number;
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
    this.ends = endsOf(socket);
    const snapshot = this.#snapshot();
    this.#quietSince = nowMs() - (snapshot?.silentMs ?? 0);
    this.#quietBefore = this.#quietSince;
    this.#segmentsSent = snapshot?.segmentsSent ?? 0;
    socket.on('error', (error: NodeJS.ErrnoException) => this.#failed(error));
    socket.on('end', () => this.#closedByServer());
    socket.on('close', () => this.#closedByServer());
    if (asking === 'server') {
      socket.setEncoding('latin1').on('data', (text: string) => {
        this.#received = `${this.#received}${text}`.slice(-200);
      });
      socket.write(restRequest(restMs));
    }
    // Everything is read, so that FIN and RST are noticed.
    socket.resume();
  }

  /** How the rest ended; undefined while it goes on. */
  get end(): RestEnd | undefined {
    return this.#end;
  }

  get isResting(): boolean {
    return this.#end === undefined && this.#asked === undefined;
  }

  /** What the other end has sent so far, if it asks. */
  get received(): string {
    return this.#received;
  }

  /** The latest moment at which this connection is decided, unless packets disturb the rest. */
  get decidedBy(): number {
    return (this.#asked?.at ?? this.#quietSince + this.restMs) + answeredWithinMs;
  }

  /** Looks at the connection: asks once the rest is over, and takes the answer. */
  look(): void {
    if (this.#end !== undefined) return;
    const now = nowMs();
    const snapshot = this.#snapshot();
    // Its end has come, and this process, which may have been held up, is told of it in the same turn.
    if (snapshot === undefined || snapshot.state === 'CLOSE') return;
    // This process may be held up between the two clocks: the last packet came between these moments.
    const heard = { notBefore: now - snapshot.silentMs, notAfter: nowMs() - snapshot.silentMs };
    if (this.#asked !== undefined) {
      if (heard.notBefore > this.#asked.heardAt + clockMs) this.#result('alive');
      else if (now - this.#asked.at > answeredWithinMs) this.#result('silent');
    } else if (this.#asking === 'server' && isAlive(this.#received)) {
      this.#result('alive', heard.notBefore - this.#quietSince);
    } else {
      if (heard.notBefore > this.#quietSince + clockMs) this.#disturbed(heard.notAfter);
      else if (snapshot.segmentsSent !== this.#segmentsSent) this.#disturbed(now);
      this.#segmentsSent = snapshot.segmentsSent;
      this.#askIfDue(now, heard.notAfter);
    }
  }

  /** The time without a packet so far. */
  get quietMs(): number {
    return nowMs() - this.#quietSince;
  }

  /** Closes the connection: with FIN, or if the path may have forgotten it with RST, which leaves its port free at once. */
  close({ isForgotten = false } = {}): void {
    this.#end ??= { kind: 'disturbed', restMs: 0 };
    if (isForgotten) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  #snapshot() {
    const fd = descriptorOf(this.#socket);
    return fd === undefined ? undefined : takeSnapshot(fd);
  }

  #askIfDue(now: number, heardAt: number): void {
    if (this.#end !== undefined || now - this.#quietSince < this.restMs) return;
    this.#asked = { at: now, restMs: now - this.#quietSince, heardAt };
    // The other end asks at the same moment.
    if (this.#asking === 'server') return;
    try {
      setKeepAlive(this.#socket, question);
    } catch {
      // The connection has ended just now: its event has the result.
      this.#asked = undefined;
    }
  }

  #disturbed(at: number): void {
    this.#quietBefore = this.#quietSince;
    this.#quietSince = at;
    if (at - this.#openedAt < greetingMs) return;
    this.#disturbances += 1;
    this.#longestRestMs = Math.max(this.#longestRestMs, at - this.#quietBefore);
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
    const isFarewell = now - this.#quietSince < farewellMs && this.#quietBefore < this.#quietSince;
    return isFarewell ? this.#quietSince - this.#quietBefore : now - this.#quietSince;
  }

  #failed({ code }: NodeJS.ErrnoException): void {
    this.#result(code === 'ECONNRESET' || code === 'EPIPE' ? 'reset' : 'silent');
  }

  #closedByServer(): void {
    // FIN after the question crosses the path like an answer.
    this.#result(this.#asked === undefined ? 'closed-by-server' : 'alive');
  }
}
