import type { Handle } from '../../socket/target.js';
import { isRead, type Watched } from './watched.js';

/** All are gone through this often, and those that have done something unannounced as often as `closeRoundMs`. */
const roundMs = 2000;
const closeRoundMs = 200;

/** For how long a connection is followed on which something was written unannounced. */
const followedForMs = 60_000;

/** Who is told of what a round finds. */
export interface Rounds {
  /** Something was written that was not announced. */
  wrote(watched: Watched): void;
  /** The program does not read, as it does of so many connections. */
  unread(watched: Watched, ofMany: number): void;
}

/**
 * All connections of a watch. It goes through them for what is not announced: what http2 writes, and that a program has
 * stopped reading. It keeps no process alive.
 */
export class Roll {
  readonly #members = new Map<Handle, Watched>();
  /** Those that are looked after more often, and until when. */
  readonly #followed = new Map<Watched, number>();
  readonly #rounds: Rounds;
  #timer: NodeJS.Timeout | undefined;
  #closeTimer: NodeJS.Timeout | undefined;

  constructor(rounds: Rounds) {
    this.#rounds = rounds;
  }

  get size(): number {
    return this.#members.size;
  }

  /** The connection that lies on a handle. */
  on(handle: Handle): Watched | undefined {
    return this.#members.get(handle);
  }

  add(watched: Watched): void {
    this.#members.set(watched.handle, watched);
    this.#timer ??= setInterval(() => this.#round(), roundMs).unref();
  }

  remove(watched: Watched): void {
    this.#members.delete(watched.handle);
    this.#unfollow(watched);
    if (this.#members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  [Symbol.iterator](): IterableIterator<Watched> {
    return this.#members.values();
  }

  #round(): void {
    const untilMs = performance.now() + followedForMs;
    for (const watched of this.#members.values()) {
      const hasWritten = watched.noticeWriting();
      if (hasWritten) this.#rounds.wrote(watched);
      if (hasWritten || !isRead(watched.socket)) this.#follow(watched, untilMs);
    }
  }

  #closeRound(): void {
    const now = performance.now();
    for (const [watched, untilMs] of this.#followed) {
      if (!isRead(watched.socket)) this.#rounds.unread(watched, this.#followed.size);
      if (watched.noticeWriting()) {
        this.#followed.set(watched, now + followedForMs);
        this.#rounds.wrote(watched);
      } else if (untilMs < now && isRead(watched.socket)) this.#unfollow(watched);
    }
  }

  #follow(watched: Watched, untilMs: number): void {
    this.#followed.set(watched, untilMs);
    this.#closeTimer ??= setInterval(() => this.#closeRound(), closeRoundMs).unref();
  }

  #unfollow(watched: Watched): void {
    if (!this.#followed.delete(watched) || this.#followed.size > 0) return;
    clearInterval(this.#closeTimer);
    this.#closeTimer = undefined;
  }
}
