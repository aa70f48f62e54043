import { setImmediate as nextTurn } from 'node:timers/promises';
import { nowMs, sleep } from '../../node/real-time.js';
import { latestTickMs } from '../../policy/model/probe-safety.js';
import type { Refreshed } from '../dump/refresh.js';
import type { HostConnection } from '../list/connection.js';
import { referenceTo } from '../list/listing.js';
import { type ConnectionRow, lastHeardMs } from '../list/row.js';
import { DeferredSignals } from './deferred-signals.js';
import { type ForcedProbe, forceProbes, type Refusal } from './forced-probe.js';
import type { SegmentProber } from './segment-prober.js';

/** The result of asking a peer for a sign of life. */
export type Answer = 'alive' | 'reset' | 'silent' | 'not-asked';

/**
 * The question that a silent peer left unanswered. `'segment'`: a segment sent from beside the connection, which a firewall
 * may treat differently from the connection's own. `'probe'`: a keepalive probe of the connection's own kernel. `'data'`: a
 * retransmission, or a probe of the peer's closed window.
 */
export type Question = 'segment' | 'probe' | 'data';

/** The answer of one peer. */
export interface PeerAnswer {
  readonly row: ConnectionRow;
  readonly answer: Answer;
  /** From the question to the answer, or to the end of waiting; 0 if the peer had been heard just before. */
  readonly elapsedMs: number;
  /** The question; only for a silent peer. */
  readonly asked?: Question;
  /** Why the peer was not asked, and how to make asking possible; only for `'not-asked'`. */
  readonly why?: string;
  readonly remedy?: string;
}

/** Connections of one network namespace whose peers are to be asked. */
export interface Inquiry {
  readonly rows: readonly ConnectionRow[];
  /** Reads connections again, also those in TIME_WAIT. */
  refresh(connections: readonly HostConnection[]): Refreshed;
  /** Asks from beside the connections; without one, the connections' own kernel is made to probe. */
  readonly prober: SegmentProber | undefined;
  readonly timeoutMs: number;
  /** Ends asking with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A peer heard this recently is there; the kernel would not probe it either (its quiet time is below 1 s). */
const recentMs = 1000;

/** How often the kernel is asked whether an answer has come. */
const refreshEveryMs = 20;

/** At most this many questions for a peer that stays silent, spread over the time-out: one lost packet proves nothing. */
const mostQuestions = 3;

/** One peer while it is being asked. */
class PeerCheck {
  readonly row: ConnectionRow;
  #now: HostConnection;
  #segments = 0;
  #probes = 0;
  #isAskedByKernel = false;
  #refusal: Refusal | undefined;
  answer: PeerAnswer | undefined;

  constructor(row: ConnectionRow, now: HostConnection) {
    this.row = row;
    this.#now = now;
  }

  get connection(): HostConnection {
    return this.row.connection;
  }

  /** Returns whether the peer may still be heard because something asks it. */
  get isOpen(): boolean {
    return this.answer === undefined && (this.#isAskedByKernel || this.#asked !== undefined);
  }

  /** Sends a segment; returns whether one could be sent. */
  askFromBeside(prober: SegmentProber): boolean {
    const isSent = prober.ask(this.connection);
    if (isSent) this.#segments += 1;
    return isSent;
  }

  note(outcome: ForcedProbe): void {
    this.#isAskedByKernel = outcome === 'not-needed';
    if (outcome === 'sent') this.#probes += 1;
    this.#refusal = typeof outcome === 'object' ? outcome : undefined;
  }

  /** The question that has asked the peer so far, without an answer. */
  get #asked(): Question | undefined {
    const { timer, unanswered } = this.#now;
    if ((timer?.kind === 'retransmission' || timer?.kind === 'persist') && unanswered > 0) return 'data';
    if (this.#probes > 0 || this.#isProbed) return 'probe';
    return this.#segments > 0 ? 'segment' : undefined;
  }

  /**
   * Whether the connection's own probes are unanswered. Extra probes may be unanswered since an outage that is over: only
   * after the idle time, and a timer's lateness, the kernel has asked on its own.
   */
  get #isProbed(): boolean {
    const { timer, unanswered } = this.#now;
    const { keepAlive } = this.row;
    if (timer?.kind !== 'keepalive' || unanswered === 0 || !keepAlive?.enabled || keepAlive.idle === null) return false;
    return (lastHeardMs(this.#now) ?? 0) >= latestTickMs(keepAlive.idle);
  }

  /** Judges the connection as the kernel shows it `elapsedMs` after the question. */
  observe(now: HostConnection | undefined, elapsedMs: number): void {
    if (this.answer !== undefined) return;
    if (now === undefined || now.state === 'CLOSE') this.#conclude('reset', elapsedMs);
    // Only an acknowledgement of the peer leads to TIME_WAIT.
    else if (now.state === 'TIME_WAIT') this.#conclude('alive', elapsedMs);
    else {
      this.#now = now;
      const heardMs = lastHeardMs(now);
      if (heardMs !== null && heardMs < elapsedMs) this.#conclude('alive', elapsedMs - heardMs);
    }
  }

  /** Ends the wait: the peer is silent if it was asked. */
  giveUp(elapsedMs: number): void {
    if (this.answer !== undefined) return;
    const asked = this.#asked;
    if (asked !== undefined) {
      this.#conclude('silent', elapsedMs, { asked });
    } else {
      this.#conclude('not-asked', 0, this.#refusal ?? this.#whyUnasked);
    }
  }

  get #whyUnasked(): Refusal {
    const remedy = 'ask again with a longer time-out, or run as root';
    switch (this.#now.timer?.kind) {
      case 'persist':
        return {
          why: 'the peer does not read (zero window): the kernel asks it with window probes, none was due',
          remedy,
        };
      case 'retransmission':
        return { why: 'data is in flight: the kernel asks with a retransmission, none was due', remedy };
      default:
        return { why: "the connection's own probe was not due", remedy };
    }
  }

  #conclude(answer: Answer, elapsedMs: number, more: Partial<PeerAnswer> = {}): void {
    this.answer = { row: this.row, answer, elapsedMs: Math.round(elapsedMs), ...more };
  }
}

/** Asks each peer once more: from beside if possible, else by a probe of the connection's own kernel. */
function askOnce(checks: readonly PeerCheck[], prober: SegmentProber | undefined): void {
  const others = prober === undefined ? checks : checks.filter((check) => !check.askFromBeside(prober));
  const outcomes = forceProbes(others.map(({ row }) => referenceTo(row.connection, row.owners, row.unreachable)));
  for (const [index, check] of others.entries()) check.note(outcomes[index] as ForcedProbe);
}

/** Asks, and reads the connections again, until every peer has answered or the time is up. */
async function askUntilAnswered(
  checks: readonly PeerCheck[],
  { refresh, prober, timeoutMs, signal }: Inquiry,
  startedAt: number,
) {
  const elapsed = () => nowMs() - startedAt;
  let open = checks;
  // Also on a machine that is slow to get to it, nobody is found silent who was asked less often.
  for (let round = 0; open.length > 0 && (elapsed() < timeoutMs || round < mostQuestions); ) {
    if (elapsed() >= (round * timeoutMs) / mostQuestions) {
      round += 1;
      askOnce(open, prober);
      // Lets the event loop deliver signals.
      await nextTurn();
    } else await sleep(refreshEveryMs);
    signal?.throwIfAborted();
    const seen = refresh(open.map(({ connection }) => connection));
    const elapsedMs = elapsed();
    for (const check of open) check.observe(seen.get(check.connection.cookie), elapsedMs);
    open = open.filter(({ isOpen }) => isOpen);
  }
  for (const check of checks) check.giveUp(Math.min(elapsed(), timeoutMs));
}

/**
 * Asks the peers of connections for a sign of life, now.
 *
 * A peer heard within the last second is alive. Any other peer is asked up to three times within the time-out: by a
 * keepalive segment from beside its connection, or else by a probe of the connection's own kernel ({@link forceProbes}). A
 * peer is not asked if an unanswered probe could end the connection. With data in flight the kernel's retransmission asks.
 * A connection that is gone was reset.
 *
 * @see Linux net/ipv4/tcp_timer.c, tcp_keepalive_timer
 */
export async function askPeers(inquiry: Inquiry): Promise<PeerAnswer[]> {
  const startedAt = nowMs();
  const now = inquiry.refresh(inquiry.rows.map(({ connection }) => connection));
  const answers: PeerAnswer[] = [];
  const checks: PeerCheck[] = [];
  for (const row of inquiry.rows) {
    const seen = now.get(row.connection.cookie) ?? row.connection;
    const heardMs = lastHeardMs(seen);
    if (heardMs !== null && heardMs < recentMs) answers.push({ row, answer: 'alive', elapsedMs: 0 });
    else checks.push(new PeerCheck(row, seen));
  }
  await using _signals = new DeferredSignals();
  await askUntilAnswered(checks, inquiry, startedAt);
  for (const { answer } of checks) if (answer !== undefined) answers.push(answer);
  return answers;
}
