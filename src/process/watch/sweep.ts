import { quietly } from '../../node/guarded.js';
import { clearTimer, nowMs, setTimer, type Timer } from '../../node/real-time.js';
import { isRead, type WatchedConnection } from './watched-connection.js';

/** The time between sweeps of all connections, and between those of connections with I/O that no hook reported. */
const roundMs = 2000;
const closeRoundMs = 200;

/** How long a connection with I/O that no hook reported is swept more often. */
const followedForMs = 60_000;

/** Receives what a round finds. */
export interface Rounds {
  /** The program has written something that no hook reported. */
  wrote(watched: WatchedConnection): void;
  /** Something has arrived since the last round. */
  received(watched: WatchedConnection): void;
  /** The program does not read this connection, nor others: `ofMany` in all. */
  unread(watched: WatchedConnection, ofMany: number): void;
}

/**
 * Holds all connections of a watch. Goes through the connections in rounds to find I/O that no hook reports: writes of http2,
 * and a program that has stopped reading. Keeps no process alive.
 */
export class Sweep {
  readonly #members = new Set<WatchedConnection>();
  /** The connections with shorter rounds, and until when. */
  readonly #followed = new Map<WatchedConnection, number>();
  readonly #rounds: Rounds;
  readonly #isReadingNoticed: boolean;
  #timer: Timer | undefined;
  #closeTimer: Timer | undefined;

  /** @param isReadingNoticed Whether to report received data. */
  constructor(rounds: Rounds, isReadingNoticed: boolean) {
    this.#rounds = rounds;
    this.#isReadingNoticed = isReadingNoticed;
  }

  get size(): number {
    return this.#members.size;
  }

  has(watched: WatchedConnection): boolean {
    return this.#members.has(watched);
  }

  add(watched: WatchedConnection): void {
    this.#members.add(watched);
    this.#timer ??= setTimer(this.#round, roundMs);
  }

  /** Removes a connection. Returns whether it was a member. */
  remove(watched: WatchedConnection): boolean {
    if (!this.#members.delete(watched)) return false;
    this.#unfollow(watched);
    if (this.#members.size === 0) {
      clearTimer(this.#timer);
      this.#timer = undefined;
    }
    return true;
  }

  [Symbol.iterator](): IterableIterator<WatchedConnection> {
    return this.#members.values();
  }

  readonly #round = (): void => {
    this.#timer = setTimer(this.#round, roundMs);
    quietly(() => this.#goThroughAll());
  };

  #goThroughAll(): void {
    const untilMs = nowMs() + followedForMs;
    for (const watched of this.#members) {
      const hasWritten = watched.noticeWriting();
      if (hasWritten) this.#rounds.wrote(watched);
      if (hasWritten || !isRead(watched.socket)) this.#follow(watched, untilMs);
      if (this.#isReadingNoticed && watched.noticeReading()) this.#rounds.received(watched);
    }
  }

  readonly #closeRound = (): void => {
    this.#closeTimer = setTimer(this.#closeRound, closeRoundMs);
    quietly(() => this.#goThroughFollowed());
  };

  #goThroughFollowed(): void {
    const now = nowMs();
    for (const [watched, untilMs] of this.#followed) {
      const isUnread = !isRead(watched.socket);
      if (isUnread) this.#rounds.unread(watched, this.#followed.size);
      if (watched.noticeWriting()) {
        this.#followed.set(watched, now + followedForMs);
        this.#rounds.wrote(watched);
      } else if (untilMs < now && !isUnread) this.#unfollow(watched);
    }
  }

  #follow(watched: WatchedConnection, untilMs: number): void {
    this.#followed.set(watched, untilMs);
    this.#closeTimer ??= setTimer(this.#closeRound, closeRoundMs);
  }

  #unfollow(watched: WatchedConnection): void {
    if (!this.#followed.delete(watched) || this.#followed.size > 0) return;
    clearTimer(this.#closeTimer);
    this.#closeTimer = undefined;
  }
}
