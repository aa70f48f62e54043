import type { PeerEvent } from './events.js';

/** Events that wait to be taken from an iterator. */
export class PeerEvents {
  readonly #waiting: PeerEvent[] = [];
  #wake: (() => void) | undefined;
  #isOver = false;

  push(event: PeerEvent): void {
    this.#waiting.push(event);
    this.#wake?.();
  }

  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  /** `stop` is called when whoever iterates has had enough. */
  async *iterate(stop: () => void): AsyncGenerator<PeerEvent, undefined> {
    try {
      for (;;) {
        const event = this.#waiting.shift();
        if (event !== undefined) yield event;
        else if (this.#isOver) return undefined;
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
    } finally {
      stop();
    }
  }
}
