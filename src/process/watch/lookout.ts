import { quietly } from '../../node/guarded.js';
import { type Handle, handleOf } from '../../node/handle.js';
import { announceUse, type OptionHooks, useAnnouncements } from '../../node/handle-hooks.js';
import { callSoon } from '../../node/real-time.js';
import { subscribe, subscribersOf, unsubscribe } from '../../node/subscribers.js';
import { messageOf, warnOnce } from '../../node/warn-once.js';
import { beginProgramCall, endProgramCall, restoreOptions } from '../../socket/watch-policy.js';
import { Agenda } from './agenda.js';
import { assess, type Turn } from './assessment.js';
import { type Condition, conditionOf } from './condition.js';
import { Prober, type ProbeStep } from './fast-detection/prober.js';
import { noteRest, untilAnswer } from './rhythm.js';
import { Roll } from './roll.js';
import { isTimeToAsk, nextLookMs } from './schedule.js';
import { lookAt, type Sight } from './sight.js';
import { type Follower, isRead, type Watched, wholeMs } from './watched.js';

/** Keeps options of the watch from what the program sets, and from a socket that another process shares. */
const optionHooks: OptionHooks = {
  beforeSet: beginProgramCall,
  afterSet: endProgramCall,
  beforeClose: restoreOptions,
};

/** When a peer is dead by the watch's own verdict, in milliseconds. */
export interface Limits {
  readonly deadAfterMs: number | undefined;
  readonly deadWithinMs: number | undefined;
}

/** Who is told of what a look shows. */
export interface Findings {
  /** Every look at a peer that does not, or did not, answer or read. */
  unwell(watched: Watched, sight: Sight, condition: Condition): void;
  /** `nextProbeMs` if the watch makes the kernel probe. */
  turned(watched: Watched, turn: Turn, sight: Sight, condition: Condition, nextProbeMs: number | undefined): void;
  /** The watch's own verdict. */
  givenUp(watched: Watched, sight: Sight, condition: Condition, forMs: number): void;
  /** The descriptor is about to be closed; `sight` is the last look. */
  closing(watched: Watched, sight: Sight | undefined): void;
  /** The kernel has ended the connection, and Node.js does not notice because the program does not read. */
  ended(watched: Watched, sight: Sight): void;
  /** The descriptor was closed, by the program, by Node.js, or because it was handed to another process. */
  closed(watched: Watched): void;
}

/** Node.js does not notice the end of a connection from which the program does not read. */
const unreadLookMs = 50;

/** Of many unread connections, at most a thousand a second are looked at for their end. */
const eachUnreadMs = 1;

/** The earliest time after a write at which data can be unanswered (TCP_RTO_MIN). */
const leastTimeoutMs = 200;

/** A program that reads has heard of the end by then, unless it had heard of the peer's before, or hears nothing at all. */
const heardWithinMs = 1000;

const over = new Set(['CLOSE', 'TIME_WAIT']);

/** Looks at connections when something can have changed about their peers. */
export class Lookout implements Follower {
  readonly #limits: Limits;
  readonly #findings: Findings;
  readonly #prober: Prober | undefined;
  readonly #agenda = new Agenda<Watched>((due) => this.#lookAtAll(due));
  readonly #roll: Roll;
  #endAnnouncements: (() => void) | undefined;

  constructor(limits: Limits, findings: Findings) {
    this.#limits = limits;
    this.#findings = findings;
    this.#prober = limits.deadWithinMs === undefined ? undefined : new Prober(limits.deadWithinMs);
    const rounds = {
      wrote: (watched: Watched) => this.#agenda.hasten(watched, leastTimeoutMs),
      received: (watched: Watched) => this.#agenda.hasten(watched, 0),
      unread: (watched: Watched, ofMany: number) =>
        this.#agenda.hasten(watched, Math.max(unreadLookMs, ofMany * eachUnreadMs)),
    };
    this.#roll = new Roll(rounds, this.#prober !== undefined);
  }

  /** Returns how many connections are looked at. */
  get size(): number {
    return this.#roll.size;
  }

  /** The connection that lies on a handle, if it is looked at. */
  on(handle: Handle): Watched | undefined {
    const all = subscribersOf(handle) as readonly Watched[];
    return all.find((watched) => watched.follower === this);
  }

  add(watched: Watched): void {
    watched.follower = this;
    subscribe(watched.handle, watched);
    this.#roll.add(watched);
    this.announceUse(watched);
    // Not now: a watch that is being created has no listeners yet.
    this.#agenda.put(watched, 0);
  }

  /** Notices at once what happens to a connection's socket. In Bun, only the socket's `close` event tells of a close. */
  announceUse(watched: Watched): void {
    const { handle, socket } = watched;
    this.#endAnnouncements ??= useAnnouncements();
    const above = handleOf(socket);
    if (above !== undefined && above !== handle) announceUse(above, optionHooks);
    if (!announceUse(handle, optionHooks)) socket.once('close', () => this.closing(watched, undefined));
  }

  /** Looks at a connection no longer, and leaves it as it was. */
  remove(watched: Watched): void {
    if (!this.#roll.remove(watched)) return;
    unsubscribe(watched.handle, watched);
    this.#agenda.remove(watched);
    this.#prober?.end(watched);
    if (this.#roll.size > 0) return;
    this.#endAnnouncements?.();
    this.#endAnnouncements = undefined;
  }

  /** Gives those that it looked at until now. */
  close(): Watched[] {
    const all = [...this.#roll];
    for (const watched of all) this.remove(watched);
    return all;
  }

  wrote(watched: Watched): void {
    watched.noticeWriting();
    this.#agenda.hasten(watched, leastTimeoutMs);
  }

  optionsSet(watched: Watched): void {
    this.#agenda.hasten(watched, 0);
  }

  /** Reports the end of a connection after the call that closes its descriptor has returned. */
  closing(watched: Watched, sight: Sight | undefined): void {
    this.#findings.closing(watched, sight);
    if (watched.isClosing) return;
    watched.isClosing = true;
    callSoon(() => quietly(() => this.#findings.closed(watched)));
  }

  #lookAtAll(due: readonly Watched[]): void {
    for (const watched of due) {
      // A listener may have removed the connection from the watch.
      if (!this.#roll.has(watched)) continue;
      try {
        this.#lookAt(watched);
      } catch (error) {
        warnOnce(messageOf(error));
        if (this.#roll.has(watched)) this.#agenda.put(watched, heardWithinMs);
      }
    }
  }

  #lookAt(watched: Watched): void {
    const { fd } = watched;
    const sight = fd === undefined ? undefined : lookAt(fd);
    if (fd === undefined || sight === undefined || over.has(sight.state)) {
      this.#over(watched, sight);
      return;
    }
    const now = wholeMs();
    const condition = conditionOf(sight);
    const wasUnanswered = watched.unansweredSince > 0;
    const wasUnwell = wasUnanswered || watched.closedSince > 0;
    const isDue = now >= watched.optionsDueAt || (!wasUnanswered && isTimeToAsk(watched.options, sight, condition));
    if (isDue) watched.readOptions(fd);
    if (condition.unansweredKind === undefined && sight.unacked === 0) noteRest(watched, sight, now);
    const { turn, forMs } = assess(watched, sight, condition, now);
    const isDead = this.#planNext(watched, sight, condition, forMs);
    // A user timeout ends a connection also where nothing is unanswered, because its peer does not read.
    if (condition.unansweredKind !== undefined || condition.isWindowClosed || wasUnwell) {
      this.#findings.unwell(watched, sight, condition);
    }
    const nextProbeMs = this.#prober?.nextProbeMs(watched);
    if (turn !== undefined) this.#findings.turned(watched, turn, sight, condition, nextProbeMs);
    if (isDead && this.#roll.has(watched)) this.#findings.givenUp(watched, sight, condition, forMs);
  }

  /** Sees to it that the connection is looked at again in time, and tells whether its peer is dead. */
  #planNext(watched: Watched, sight: Sight, condition: Condition, forMs: number): boolean {
    const step = this.#prober?.step(watched, sight, condition, forMs);
    if (step === 'dead') return true;
    const leftMs = watched.mood === 'suspect' ? this.#limitMs(step) - forMs : Number.POSITIVE_INFINITY;
    if (leftMs <= 0) return true;
    const ownMs = Math.min(step?.nextLookMs ?? Number.POSITIVE_INFINITY, leftMs);
    const untilAnswerMs = untilAnswer(watched, wholeMs());
    const nextMs = nextLookMs({ sight, condition, forMs, options: watched.options, untilAnswerMs });
    const unreadMs = condition.unanswered > 0 && !isRead(watched.socket) ? unreadLookMs : Number.POSITIVE_INFINITY;
    this.#agenda.put(watched, Math.min(nextMs, ownMs, unreadMs, watched.untilSettledMs), ownMs < nextMs);
    return false;
  }

  /** Returns for how long probes or data may stay unanswered; if the prober asks, the prober decides. */
  #limitMs(step: ProbeStep): number {
    const { deadAfterMs, deadWithinMs } = this.#limits;
    return deadAfterMs ?? (step === undefined ? deadWithinMs : undefined) ?? Number.POSITIVE_INFINITY;
  }

  /** Handles a connection that has ended in the kernel. Node.js reports the end at once, unless the program does not read. */
  #over(watched: Watched, sight: Sight | undefined): void {
    const { socket } = watched;
    if (sight === undefined) this.#findings.closed(watched);
    else if (watched.overSince > 0 && (!isRead(socket) || wholeMs() - watched.overSince > heardWithinMs)) {
      this.#findings.ended(watched, sight);
    } else {
      if (watched.overSince === 0) watched.overSince = wholeMs();
      this.#agenda.put(watched, unreadLookMs);
    }
  }
}
