import { SystemCallError, UnsupportedError } from '../../../native/errors.js';
import { nowMs } from '../../../node/real-time.js';
import { messageOf, warnOnce } from '../../../node/warn-once.js';
import type { Diagnosis } from '../../../peer/diagnosis.js';
import type { Snapshot } from '../../../peer/snapshot.js';
import { limits } from '../../../policy/policy.js';
import { programState } from '../../../socket/interim/option-owner.js';
import type { FastProber, ProbeStep } from '../monitor.js';
import type { WatchedConnection } from '../watched-connection.js';
import { type OwnedOptions, takeOptions } from './owned-options.js';
import { type ProbePlan, probePlan, questionMs } from './plan.js';

/** A connection without data for longer is not in use, and left to the kernel's keepalive. */
const inUseMs = 60_000;

/** The kernel counts in jiffies. An answer comes a second or more after the last sign of life. */
const answerMarginMs = 100;

/** A snapshot that is later than this shows that the program was blocked. */
const heldUpMs = 50;

/** The most probes of one question. The rest of the watch's count is for the kernel's own probes. */
const mostUnanswered = 20;

/** Another process that asks a peer overrides an idle time with 1 s for no longer than this. */
const overrideMs = 60;

/** A peer that is being asked. */
interface Question {
  /** When the peer was asked first, and when it had been heard last by then, by the monotonic clock. */
  readonly startedAt: number;
  readonly heardAt: number;
  sent: number;
  /** When the next probe or the verdict is due, by the monotonic clock. */
  dueAt: number;
}

/** Returns the result of a call, undefined if the kernel refuses it, as a BPF program may. */
function unlessRefused<Result>(call: () => Result): Result | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof SystemCallError || error instanceof UnsupportedError) return undefined;
    throw error;
  }
}

/**
 * Makes the kernel probe connections that are quiet and in use, at shorter intervals than its options allow. Such a
 * connection has the watch's options: the kernel probes after `idleMs` of quiet, and again whenever TCP_KEEPIDLE is set.
 */
export class Prober implements FastProber {
  readonly deadWithinMs: number;
  readonly #plan: ProbePlan;
  readonly #questionMs: number;
  readonly #questions = new Map<WatchedConnection, Question>();
  /** The connections that have the watch's options. */
  readonly #taken = new WeakMap<WatchedConnection, OwnedOptions>();
  /** When an idle time of 1 s that may be an override was seen first, by the monotonic clock. */
  readonly #suspectedAt = new WeakMap<WatchedConnection, number>();

  constructor(deadWithinMs: number) {
    this.deadWithinMs = deadWithinMs;
    this.#plan = probePlan(deadWithinMs);
    this.#questionMs = questionMs(this.#plan);
  }

  step(watched: WatchedConnection, snapshot: Snapshot, diagnosis: Diagnosis, forMs: number): ProbeStep {
    const question = this.#questions.get(watched);
    if (question !== undefined && nowMs() - snapshot.silentMs > question.heardAt + answerMarginMs) {
      this.#questions.delete(watched);
      return { nextSnapshotMs: Math.max(1, this.#plan.quietMs - snapshot.silentMs) };
    }
    if (diagnosis.isWindowClosed) {
      this.#questions.delete(watched);
      return undefined;
    }
    if (snapshot.unacked > 0 || snapshot.notSentBytes > 0) return this.#inFlight(question, snapshot, diagnosis, forMs);
    if (question !== undefined) return this.#goOn(question, watched, snapshot);
    const isInUse =
      Math.min(snapshot.lastDataReceivedMs, snapshot.lastDataSentMs) < Math.max(inUseMs, this.deadWithinMs);
    if (isInUse) return this.#take(watched) ?? this.#begin(watched, snapshot);
    this.#release(watched);
    return undefined;
  }

  nextProbeMs(watched: WatchedConnection): number | undefined {
    const question = this.#questions.get(watched);
    return question === undefined ? undefined : Math.max(0, question.dueAt - nowMs());
  }

  end(watched: WatchedConnection): void {
    this.#questions.delete(watched);
    this.#release(watched);
  }

  /** Gives a connection the watch's options. Returns the next step if it has to wait, or cannot have the options. */
  #take(watched: WatchedConnection): ProbeStep | undefined {
    if (this.#taken.has(watched)) return undefined;
    const waitMs = this.#overriddenForMs(watched);
    if (waitMs > 0) return { nextSnapshotMs: waitMs };
    const owned = unlessRefused(() => takeOptions(watched.handle, this, this.#plan.idleMs));
    if (owned === undefined) return undefined;
    this.#taken.set(watched, owned);
    const { fd } = watched;
    if (fd !== undefined) watched.readOptions(fd);
    return undefined;
  }

  /** Returns how long an idle time of 1 s may still be another process's override, which must not be kept as a setting. */
  #overriddenForMs(watched: WatchedConnection): number {
    const { fd, handle } = watched;
    if (fd === undefined || programState(handle, fd).idle !== limits.idle.min) return 0;
    const seenAt = this.#suspectedAt.get(watched);
    if (seenAt === undefined) this.#suspectedAt.set(watched, nowMs());
    return Math.ceil((seenAt ?? nowMs()) + overrideMs - nowMs());
  }

  #release(watched: WatchedConnection): void {
    const owned = this.#taken.get(watched);
    if (owned === undefined) return;
    this.#taken.delete(watched);
    try {
      owned.release(this);
      const { fd } = watched;
      if (fd !== undefined) watched.readOptions(fd);
    } catch (error) {
      // A timer has no caller to throw to, and the program must not end because of the error.
      warnOnce(`keepalive options could not be restored: ${messageOf(error)}`);
    }
  }

  #probe(watched: WatchedConnection, unanswered: number): boolean {
    const owned = this.#taken.get(watched);
    if (unanswered >= mostUnanswered) return owned !== undefined;
    return unlessRefused(() => owned?.probe()) ?? false;
  }

  /** A probe that the kernel has sent on its own is the first one. */
  #begin(watched: WatchedConnection, { silentMs, probes }: Snapshot): ProbeStep {
    const { quietMs, gapsMs } = this.#plan;
    if (silentMs < quietMs) return { nextSnapshotMs: quietMs - silentMs };
    if (!this.#taken.has(watched) || (probes === 0 && !this.#probe(watched, probes))) return undefined;
    const now = nowMs();
    const gapMs = gapsMs[0] as number;
    this.#questions.set(watched, { startedAt: now, heardAt: now - silentMs, sent: 1, dueAt: now + gapMs });
    return { nextSnapshotMs: gapMs };
  }

  /** Keeps probes as far apart as planned even if the program was blocked, because an answer takes time. */
  #goOn(question: Question, watched: WatchedConnection, { rttMs, probes }: Snapshot): ProbeStep {
    const { gapsMs } = this.#plan;
    const isLast = question.sent === gapsMs.length;
    const lateMs = nowMs() - question.dueAt - (isLast ? rttMs : 0);
    if (lateMs < 0) return { nextSnapshotMs: -lateMs };
    // The peer was asked only if the kernel counts an unanswered probe.
    if (isLast && probes > 0) return 'dead';
    if (isLast || !this.#probe(watched, probes)) {
      this.#questions.delete(watched);
      return undefined;
    }
    question.dueAt += (gapsMs[question.sent] as number) + (lateMs > heldUpMs ? lateMs : 0);
    question.sent += 1;
    return { nextSnapshotMs: Math.max(1, question.dueAt - nowMs()) };
  }

  /**
   * Decides while data are in flight. The kernel sends no probes then, and its retransmissions ask as well. A peer has the
   * time of a question from the first unanswered probe or transmission, and at least the whole `deadWithin` since it was
   * heard. A peer that sends data but acknowledges nothing has the whole `deadWithin`.
   */
  #inFlight(question: Question | undefined, snapshot: Snapshot, diagnosis: Diagnosis, forMs: number): ProbeStep {
    if (diagnosis.unansweredKind === undefined) return undefined;
    const { silentMs, rttMs } = snapshot;
    const { quietMs } = this.#plan;
    const askedMs = question === undefined ? forMs : Math.max(forMs, nowMs() - question.startedAt);
    const silenceMs = Math.max(this.#questionMs + rttMs - askedMs, quietMs + this.#questionMs - silentMs);
    const leftMs = Math.min(silenceMs, this.deadWithinMs - forMs);
    return leftMs > 0 ? { nextSnapshotMs: leftMs } : 'dead';
  }
}
