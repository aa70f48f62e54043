import { RealPromise } from '../../node/real-time.js';
import type { PeerEvent } from './events.js';

const over: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The events of a watch, one after the other. Ends when the watch or the iterator is closed. */
export interface PeerEventIterator extends AsyncIterator<PeerEvent, undefined>, AsyncIterable<PeerEvent>, Disposable {
  [Symbol.asyncIterator](): this;
  /** How many events were dropped, oldest first, because more than `highWaterMark` waited. */
  readonly dropped: number;
  /** Ends the iteration and drops the events that wait. A `break` out of `for await` does the same. */
  close(): void;
}

/** The events of a watch for one iteration. At most `highWaterMark` wait; a further event drops the oldest. */
export class EventIterator implements PeerEventIterator {
  dropped = 0;
  readonly #waiting: PeerEvent[] = [];
  readonly #takers: ((result: IteratorResult<PeerEvent, undefined>) => void)[] = [];
  readonly #highWaterMark: number;
  readonly #stop: (events: EventIterator) => void;
  #isOver = false;

  /** @param stop Called when the iterator is closed. */
  constructor(highWaterMark: number, stop: (events: EventIterator) => void) {
    this.#highWaterMark = highWaterMark;
    this.#stop = stop;
  }

  /** Hands over an event, or keeps the event until it is taken. Returns whether an older event was dropped. */
  push(event: PeerEvent): boolean {
    const taker = this.#takers.shift();
    taker?.({ done: false, value: event });
    if (taker !== undefined || this.#waiting.push(event) <= this.#highWaterMark) return false;
    this.#waiting.shift();
    this.dropped += 1;
    return true;
  }

  /** Ends the iteration after the events that wait. */
  end(): void {
    this.#isOver = true;
    for (const taker of this.#takers.splice(0)) taker(over);
  }

  async next(): Promise<IteratorResult<PeerEvent, undefined>> {
    const event = this.#waiting.shift();
    if (event !== undefined) return { done: false, value: event };
    if (this.#isOver) return over;
    return new RealPromise((resolve) => this.#takers.push(resolve));
  }

  close(): void {
    this.#waiting.length = 0;
    this.end();
    this.#stop(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.close();
    return over;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
