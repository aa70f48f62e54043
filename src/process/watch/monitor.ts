import { quietly } from '../../node/guarded.js';
import { type Handle, handleOf } from '../../node/handle.js';
import { callSoon } from '../../node/real-time.js';
import { hookHandle, type OptionHooks, retainHooks } from '../../node/stream-hooks.js';
import { subscribe, subscribersOf, unsubscribe } from '../../node/subscribers.js';
import { messageOf, warnOnce } from '../../node/warn-once.js';
import { type Diagnosis, diagnose } from '../../peer/diagnosis.js';
import type { Snapshot } from '../../peer/snapshot.js';
import { type Transition, updatePeerState } from '../../peer/transition.js';
import type { ValidPolicy } from '../../policy/policy.js';
import { optionOwners } from '../../socket/interim/option-owner.js';
import { takeSnapshot } from '../../socket/probe/take-snapshot.js';
import { noteAnsweredProbe, untilAnswer } from './probe-period.js';
import { isTimeToAsk, nextSnapshotMs } from './schedule.js';
import { Sweep } from './sweep.js';
import { TimerQueue } from './timer-queue.js';
import { type Follower, isRead, type WatchedConnection, wholeMs } from './watched-connection.js';

/** Keeps an owner's options apart from what the program sets, and restores them before the descriptor is closed. */
const optionHooks: OptionHooks = {
  beforeSet: (handle) => optionOwners.get(handle)?.beforeCall(),
  afterSet: (handle) => optionOwners.get(handle)?.afterCall(),
  beforeClose: (handle) => optionOwners.get(handle)?.restore(),
};

/** The next step with a connection: when to take a snapshot, or that the peer is dead; undefined if the kernel decides. */
export type ProbeStep = { readonly nextSnapshotMs: number } | 'dead' | undefined;

/** Makes the kernel probe sooner than keepalive's options allow. */
export interface FastProber {
  readonly deadWithinMs: number;
  /**
   * Takes the next step with a connection after a snapshot.
   *
   * @param forMs For how long a probe or data have been unanswered.
   */
  step(watched: WatchedConnection, snapshot: Snapshot, diagnosis: Diagnosis, forMs: number): ProbeStep;
  /** Returns the longest time until a peer that is being asked must be asked again; undefined if none is. */
  nextProbeMs(watched: WatchedConnection): number | undefined;
  /** Restores the program's options of a connection. */
  end(watched: WatchedConnection): void;
}

/** When a peer is dead by the watch's own verdict. */
export interface Limits {
  readonly deadAfterMs: number | undefined;
  readonly prober: FastProber | undefined;
}

/** How a watch treats its connections. */
export interface WatchRules extends Limits {
  /** Also every connection that this thread opens. */
  readonly all: boolean;
  readonly policy: ValidPolicy | undefined;
  readonly destroy: boolean;
  /** How many events wait at most in an iterator. */
  readonly highWaterMark: number;
}

/** Receives what snapshots show. */
export interface Findings {
  /** Receives each snapshot of a peer that does not answer or read, and the first one after that. */
  unwell(watched: WatchedConnection, snapshot: Snapshot, diagnosis: Diagnosis): void;
  /** Receives a change of the peer's state; `nextProbeMs` if the watch makes the kernel probe. */
  changed(
    watched: WatchedConnection,
    transition: Transition,
    snapshot: Snapshot,
    diagnosis: Diagnosis,
    nextProbeMs: number | undefined,
  ): void;
  /** Receives a peer that is dead by the watch's own verdict. */
  givenUp(watched: WatchedConnection, snapshot: Snapshot, diagnosis: Diagnosis, forMs: number): void;
  /** The descriptor is about to be closed; `snapshot` is the last one. */
  closing(watched: WatchedConnection, snapshot: Snapshot | undefined): void;
  /** The kernel has ended the connection, and Node.js does not notice because the program does not read. */
  ended(watched: WatchedConnection, snapshot: Snapshot): void;
  /** The descriptor was closed, by the program, by Node.js, or because it was handed to another process. */
  closed(watched: WatchedConnection): void;
}

/** Node.js does not notice the end of a connection from which the program does not read. */
const unreadSnapshotMs = 50;

/** Of many unread connections, the watch takes at most a thousand snapshots a second. */
const eachUnreadMs = 1;

/** The earliest time after a write at which data can be unanswered (TCP_RTO_MIN). */
const leastTimeoutMs = 200;

/** Node.js reports the end of a connection within this time, if the program reads and the peer has not ended before. */
const heardWithinMs = 1000;

const over = new Set(['CLOSE', 'TIME_WAIT']);

/** Takes a snapshot of a connection when something can have changed about its peer. */
export class Monitor implements Follower {
  readonly #deadAfterMs: number | undefined;
  readonly #prober: FastProber | undefined;
  readonly #findings: Findings;
  readonly #timerQueue = new TimerQueue<WatchedConnection>((due) => this.#takeSnapshots(due));
  readonly #sweep: Sweep;
  #releaseHooks: (() => void) | undefined;

  constructor({ deadAfterMs, prober }: Limits, findings: Findings) {
    this.#deadAfterMs = deadAfterMs;
    this.#prober = prober;
    this.#findings = findings;
    const rounds = {
      wrote: (watched: WatchedConnection) => this.#timerQueue.hasten(watched, leastTimeoutMs),
      received: (watched: WatchedConnection) => this.#timerQueue.hasten(watched, 0),
      unread: (watched: WatchedConnection, ofMany: number) =>
        this.#timerQueue.hasten(watched, Math.max(unreadSnapshotMs, ofMany * eachUnreadMs)),
    };
    this.#sweep = new Sweep(rounds, prober !== undefined);
  }

  /** Returns how many connections are watched. */
  get size(): number {
    return this.#sweep.size;
  }

  /** Returns how many peers do not answer, and how many do not read. */
  unwell(): { readonly suspect: number; readonly stalled: number } {
    const counts = { suspect: 0, stalled: 0, fine: 0 };
    for (const { peerState } of this.#sweep) counts[peerState] += 1;
    return { suspect: counts.suspect, stalled: counts.stalled };
  }

  /** Returns the watched connection of a handle. */
  on(handle: Handle): WatchedConnection | undefined {
    const all = subscribersOf(handle) as readonly WatchedConnection[];
    return all.find((watched) => watched.follower === this);
  }

  add(watched: WatchedConnection): void {
    watched.follower = this;
    subscribe(watched.handle, watched);
    this.#sweep.add(watched);
    this.hookUse(watched);
    // Not now: a watch that is being created has no listeners yet.
    this.#timerQueue.put(watched, 0);
  }

  /** Notices at once what happens to a connection's socket. In Bun, only the socket's `close` event tells of a close. */
  hookUse(watched: WatchedConnection): void {
    const { handle, socket } = watched;
    this.#releaseHooks ??= retainHooks();
    const above = handleOf(socket);
    if (above !== undefined && above !== handle) hookHandle(above, optionHooks);
    if (!hookHandle(handle, optionHooks)) socket.once('close', () => this.closing(watched, undefined));
  }

  /** Stops watching a connection, and restores its options. */
  remove(watched: WatchedConnection): void {
    if (!this.#sweep.remove(watched)) return;
    unsubscribe(watched.handle, watched);
    this.#timerQueue.remove(watched);
    this.#prober?.end(watched);
    if (this.#sweep.size > 0) return;
    this.#releaseHooks?.();
    this.#releaseHooks = undefined;
  }

  /** Stops watching. Returns the connections that were watched. */
  close(): WatchedConnection[] {
    const all = [...this.#sweep];
    for (const watched of all) this.remove(watched);
    return all;
  }

  wrote(watched: WatchedConnection): void {
    watched.noticeWriting();
    this.#timerQueue.hasten(watched, leastTimeoutMs);
  }

  optionsSet(watched: WatchedConnection): void {
    this.#timerQueue.hasten(watched, 0);
  }

  /** Reports the end of a connection after the call that closes its descriptor has returned. */
  closing(watched: WatchedConnection, snapshot: Snapshot | undefined): void {
    this.#findings.closing(watched, snapshot);
    if (watched.isClosing) return;
    watched.isClosing = true;
    callSoon(() => quietly(() => this.#findings.closed(watched)));
  }

  #takeSnapshots(due: readonly WatchedConnection[]): void {
    for (const watched of due) {
      // A listener may have removed the connection from the watch.
      if (!this.#sweep.has(watched)) continue;
      try {
        this.#takeSnapshot(watched);
      } catch (error) {
        warnOnce(messageOf(error));
        if (this.#sweep.has(watched)) this.#timerQueue.put(watched, heardWithinMs);
      }
    }
  }

  #takeSnapshot(watched: WatchedConnection): void {
    const { fd } = watched;
    const snapshot = fd === undefined ? undefined : takeSnapshot(fd);
    if (fd === undefined || snapshot === undefined || over.has(snapshot.state)) {
      this.#over(watched, snapshot);
      return;
    }
    const now = wholeMs();
    const diagnosis = diagnose(snapshot);
    const wasUnanswered = watched.unansweredSince > 0;
    const wasUnwell = wasUnanswered || watched.closedSince > 0;
    const isDue = now >= watched.optionsDueAt || (!wasUnanswered && isTimeToAsk(watched.options, snapshot, diagnosis));
    if (isDue) watched.readOptions(fd);
    if (diagnosis.unansweredKind === undefined && snapshot.unacked === 0) noteAnsweredProbe(watched, snapshot, now);
    const { transition, forMs } = updatePeerState(watched, snapshot, diagnosis, now);
    const isDead = this.#planNext(watched, snapshot, diagnosis, forMs);
    // A user timeout ends a connection also where nothing is unanswered, because its peer does not read.
    if (diagnosis.unansweredKind !== undefined || diagnosis.isWindowClosed || wasUnwell) {
      this.#findings.unwell(watched, snapshot, diagnosis);
    }
    const nextProbeMs = this.#prober?.nextProbeMs(watched);
    if (transition !== undefined) this.#findings.changed(watched, transition, snapshot, diagnosis, nextProbeMs);
    if (isDead && this.#sweep.has(watched)) this.#findings.givenUp(watched, snapshot, diagnosis, forMs);
  }

  /** Schedules the next snapshot. Returns whether the peer is dead. */
  #planNext(watched: WatchedConnection, snapshot: Snapshot, diagnosis: Diagnosis, forMs: number): boolean {
    const step = this.#prober?.step(watched, snapshot, diagnosis, forMs);
    if (step === 'dead') return true;
    const leftMs = watched.peerState === 'suspect' ? this.#limitMs(step) - forMs : Number.POSITIVE_INFINITY;
    if (leftMs <= 0) return true;
    const ownMs = Math.min(step?.nextSnapshotMs ?? Number.POSITIVE_INFINITY, leftMs);
    const untilAnswerMs = untilAnswer(watched, wholeMs());
    const nextMs = nextSnapshotMs({ snapshot, diagnosis, forMs, options: watched.options, untilAnswerMs });
    const unreadMs = diagnosis.unanswered > 0 && !isRead(watched.socket) ? unreadSnapshotMs : Number.POSITIVE_INFINITY;
    this.#timerQueue.put(watched, Math.min(nextMs, ownMs, unreadMs, watched.untilSettledMs), ownMs < nextMs);
    return false;
  }

  /** Returns for how long probes or data may stay unanswered; if the prober asks, the prober decides. */
  #limitMs(step: ProbeStep): number {
    const deadWithinMs = step === undefined ? this.#prober?.deadWithinMs : undefined;
    return this.#deadAfterMs ?? deadWithinMs ?? Number.POSITIVE_INFINITY;
  }

  /** Handles a connection that has ended in the kernel. Node.js reports the end at once, unless the program does not read. */
  #over(watched: WatchedConnection, snapshot: Snapshot | undefined): void {
    const { socket } = watched;
    if (snapshot === undefined) this.#findings.closed(watched);
    else if (watched.overSince > 0 && (!isRead(socket) || wholeMs() - watched.overSince > heardWithinMs)) {
      this.#findings.ended(watched, snapshot);
    } else {
      if (watched.overSince === 0) watched.overSince = wholeMs();
      this.#timerQueue.put(watched, unreadSnapshotMs);
    }
  }
}
