import net from 'node:net';
import { SystemCallError } from '../../native/errors.js';
import { nowMs, sleep } from '../../node/real-time.js';
import { spokenDuration } from '../../policy/duration.js';
import { isLoss, judgePath, type Trial } from '../../policy/path/path-verdict.js';
import { firstRests, type GridRange, nextRests } from '../../policy/path/rest-grid.js';
import { abortReason, isAborted, untilAborted } from '../abort-signal.js';
import { assertSnapshots } from '../probe/take-snapshot.js';
import { LostServerEnds } from './lost-server-ends.js';
import { beginConnection, connected, type PathTarget, targetText } from './open-connection.js';
import { type CheckedPathOptions, checkPathOptions, type PathMeasurement, type PathOptions } from './path-options.js';
import { isAccepted } from './rest-request.js';
import { RestingConnection } from './resting-connection.js';

/** Connections are opened one after the other, this far apart. */
const openEveryMs = 100;

const lookEveryMs = 25;
const reportEveryMs = 250;

/** `nat serve` accepts a request for a rest within this time. */
const acceptedWithinMs = 5000;

/** More passes than any measurement takes: with two connections, 20 min are narrowed to 1 % in 9. */
const mostPasses = 20;

/** One measurement of a path, pass by pass. */
class Measurement {
  readonly #options: CheckedPathOptions;
  readonly #trials: Trial[] = [];
  readonly #incomplete = new Set<string>();
  #target: PathTarget;
  #range: GridRange;
  readonly #lostEnds = new LostServerEnds();
  #open: RestingConnection[] = [];
  /** The socket that is being connected. */
  #connecting: net.Socket | undefined;
  #pass = 0;
  #mostOpen = 0;
  #reportedAt = 0;
  #isOver = false;
  /** The longest time between packets that the other end sent on its own; 0 if it sent none. */
  #disturbedMs = 0;

  constructor(options: CheckedPathOptions) {
    this.#options = options;
    this.#target = options.target;
    this.#range = options.range;
  }

  async run(): Promise<PathMeasurement> {
    try {
      for (let rests = firstRests(this.#range); rests.length > 0; rests = nextRests(this.#trials, this.#range)) {
        this.#pass += 1;
        await this.#measure(rests);
        if (this.#pass >= mostPasses) this.#incomplete.add(`the results still change after ${mostPasses} passes`);
        if (this.#incomplete.size > 0) break;
      }
      return this.#known();
    } finally {
      this.#closeAll();
    }
  }

  /** Returns why the measurement is not complete. */
  #reasons(): string[] {
    if (this.#disturbedMs === 0) return [...this.#incomplete];
    const apart = spokenDuration(Math.round(this.#disturbedMs / 100) * 100);
    return [`the other end sends packets of its own, at most ${apart} apart`, ...this.#incomplete];
  }

  #known(): PathMeasurement {
    // Copies: what a caller changes changes no result.
    const trials = this.#trials.map((trial) => ({ ...trial }));
    return {
      ...judgePath(trials),
      address: this.#target.host,
      port: this.#target.port,
      connections: this.#mostOpen,
      trials,
      incomplete: this.#reasons(),
    };
  }

  #closeAll(): void {
    this.#isOver = true;
    this.#connecting?.destroy();
    this.#lostEnds.stop();
    for (const connection of this.#open) connection.close();
    this.#open = [];
  }

  /** Measures rests side by side, until each has a result or is longer than a rest at which a connection was lost. */
  async #measure(rests: readonly number[]): Promise<void> {
    this.#throwIfAborted();
    let isOpening = true;
    // Awaited below. The measurement may throw before that: then nobody else handles this rejection.
    const opened = this.#openAll(rests).finally(() => {
      isOpening = false;
    });
    opened.catch(() => {});
    while (isOpening || this.#open.length > 0) {
      this.#throwIfAborted();
      for (const connection of this.#open) connection.look();
      this.#collect();
      this.#report();
      await sleep(lookEveryMs);
    }
    await untilAborted(this.#lostEnds.closed(), this.#options.signal);
    await opened;
  }

  #throwIfAborted(): void {
    const { signal } = this.#options;
    if (signal !== undefined && isAborted(signal)) throw abortReason(signal);
  }

  /** Takes the results of connections that have any, and closes those whose rest is longer than one that was too long. */
  #collect(): void {
    for (const { end, endpoints } of this.#open) {
      if (end?.kind === 'result') {
        this.#trials.push({ restMs: end.restMs, outcome: end.outcome, pass: this.#pass });
        this.#reportedAt = Number.NEGATIVE_INFINITY;
        if (isLoss(end) && endpoints !== undefined) this.#lostEnds.closeEnd(endpoints);
      } else if (end?.kind === 'disturbed') {
        this.#disturbedMs = Math.max(this.#disturbedMs, end.restMs);
      }
    }
    const lostMs = Math.min(
      ...this.#trials.filter((trial) => trial.pass === this.#pass && isLoss(trial)).map(({ restMs }) => restMs),
    );
    for (const connection of this.#open) {
      if (connection.isResting && connection.restMs > lostMs) this.#cancel(connection);
    }
    this.#open = this.#open.filter(({ end }) => end === undefined);
  }

  /** Closes a connection whose rest would be too long, at both ends. */
  #cancel(connection: RestingConnection): void {
    const isForgotten = connection.quietMs > judgePath(this.#trials).aliveMs;
    connection.close({ isForgotten });
    if (isForgotten && connection.endpoints !== undefined) this.#lostEnds.closeEnd(connection.endpoints);
  }

  #report(): void {
    const { onProgress } = this.#options;
    const now = nowMs();
    if (onProgress === undefined || now - this.#reportedAt < reportEveryMs) return;
    this.#reportedAt = now;
    onProgress({
      pass: this.#pass,
      resting: this.#open.filter(({ isResting }) => isResting).length,
      leftMs: Math.max(0, ...this.#open.map(({ decidedBy }) => decidedBy - now)),
      known: this.#known(),
    });
  }

  /** Opens a connection for each rest, the longest first. The server may take fewer than are wanted. */
  async #openAll(rests: readonly number[]): Promise<void> {
    const longestFirst = [...rests].sort((a, b) => b - a);
    for (const [index, restMs] of longestFirst.entries()) {
      if (this.#isOver) return;
      try {
        await this.#openOne(restMs);
      } catch (error) {
        if (!(error instanceof SystemCallError)) throw error;
        if (index === 0) return this.#unreachable(error);
        this.#range = { ...this.#range, connections: Math.max(2, index) };
        if (index < 2) this.#incomplete.add(`only one connection could be made at a time: ${error.message}`);
        return;
      }
      await sleep(openEveryMs);
    }
  }

  /** Ends a measurement whose server cannot be reached: with an error, or with what was known before. */
  #unreachable(error: SystemCallError): void {
    if (this.#pass === 1) throw error;
    this.#incomplete.add(`the path has changed while it was measured: ${error.message}`);
  }

  async #openOne(restMs: number): Promise<void> {
    const { asking } = this.#options;
    const socket = beginConnection(this.#target);
    this.#connecting = socket;
    await connected(socket, this.#target);
    this.#connecting = undefined;
    // All connections go to one address, also if the name has several. `remoteAddress` lacks the zone of a link-local address.
    const { remoteAddress } = socket;
    if (net.isIP(this.#target.host) === 0 && remoteAddress) this.#target = { ...this.#target, host: remoteAddress };
    const connection = new RestingConnection(socket, restMs, asking);
    this.#open.push(connection);
    this.#mostOpen = Math.max(this.#mostOpen, this.#open.length);
    if (asking === 'server') await this.#untilAccepted(connection);
  }

  async #untilAccepted(connection: RestingConnection): Promise<void> {
    const until = nowMs() + acceptedWithinMs;
    while (!isAccepted(connection.received)) {
      if (nowMs() > until || connection.end !== undefined) {
        const detail = `${targetText(this.#target)} is no \`tcp-keepalive nat serve\`: start one there, or measure from this end`;
        throw new SystemCallError('connect', 'EPROTO', detail);
      }
      await sleep(lookEveryMs);
    }
  }
}

/**
 * Measures how long a path keeps an idle connection to a server that tolerates idle clients.
 *
 * Connections of its own rest for different times, on a grid from `min` to `max`. Each is asked once after its rest, by a
 * keepalive probe that the kernel sends at that moment, and again after 1 s and 2 s: a connection without an answer is lost
 * after 3 s. A second pass divides the time between the longest rest that was survived and the shortest that was not, and
 * repeats both. The bracket is known after 1.1 times the time that the path keeps connections, and is 1 % wide after 2.2 times.
 *
 * Tells silence, RST and the server's own FIN apart. The result names results that disagree. Data of the server are read and
 * ignored; if the server goes on to send, no longer rest can be measured, and `incomplete` says so.
 *
 * Connections are opened 100 ms apart, never more than `connections` at once, and are closed at the end. The process is not
 * kept alive afterwards. Linux, no privileges.
 *
 * @example
 * const { aliveMs, lostMs, how, policy } = await measurePath({ host: 'db.example', port: 5432, max: '10m' });
 * @throws {ConfigurationError} if an option is wrong.
 * @throws {SystemCallError} if the server cannot be reached: ENOTFOUND, ECONNREFUSED, ETIMEDOUT and others.
 * @throws {UnsupportedError} on other platforms than Linux, and if the FFI cannot be loaded.
 * @see Linux net/ipv4/tcp_timer.c, tcp_keepalive_timer; net/ipv4/tcp.c, tcp_sock_set_keepidle_locked
 */
export async function measurePath(options: PathOptions): Promise<PathMeasurement> {
  const checked = checkPathOptions(options);
  assertSnapshots('measuring a path');
  return new Measurement(checked).run();
}
