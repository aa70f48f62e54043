import { RealPromise } from '../../node/real-time.js';
import type { PeerEvent } from './events.js';

const over: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The events of a watch, one after the other, for one who iterates; `stop` is called once that one has had enough. */
export class EventIterator implements AsyncIterableIterator<PeerEvent, undefined> {
  readonly #waiting: PeerEvent[] = [];
  readonly #takers: ((result: IteratorResult<PeerEvent, undefined>) => void)[] = [];
  readonly #stop: (events: EventIterator) => void;
  #isOver = false;

  constructor(stop: (events: EventIterator) => void) {
    this.#stop = stop;
  }

  push(event: PeerEvent): void {
    const taker = this.#takers.shift();
    if (taker === undefined) this.#waiting.push(event);
    else taker({ done: false, value: event });
  }

  /** No event comes any more; those that wait can still be taken. */
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

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#waiting.length = 0;
    this.end();
    this.#stop(this);
    return over;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
