import { AsyncResource } from 'node:async_hooks';
import { nowMs, setTimer } from '../../node/real-time.js';

/** Items that are due within this time of each other are handled together. */
const slotMs = 25;

/** Items that are due later than `longMs` share a slot of so many: each wake-up has a cost. */
const slotsTogether = 4;
const longMs = 1000;

/** The most items that are handled at once, so that the program is not blocked for long. */
const mostAtOnce = 500;

/** Holds its position in the timer queue, which takes less memory than a map. */
export interface Entry {
  /** The slot that the item is in, or -1. */
  slot: number;
  /** The item's index in that slot. */
  place: number;
}

/** Holds items by the time when they are due. Passes items that are due together in one call. Keeps no process alive. */
export class TimerQueue<Item extends Entry> {
  readonly #due: (items: readonly Item[]) => void;
  readonly #slots = new Map<number, Item[]>();
  /** Runs timers in the async context of the timer queue, and not in that of a program's write. */
  readonly #after = AsyncResource.bind((delayMs: number, call: () => void) => void setTimer(call, delayMs));

  constructor(due: (items: readonly Item[]) => void) {
    this.#due = due;
  }

  /** Schedules an item in `delayMs`, instead of its earlier time. `isExact` if a tenth of a second matters. */
  put(item: Item, delayMs: number, isExact = false): void {
    const slots = isExact || delayMs < longMs ? 1 : slotsTogether;
    const slot = Math.ceil((nowMs() + delayMs) / slotMs / slots) * slots;
    if (item.slot === slot) return;
    this.remove(item);
    item.slot = slot;
    item.place = this.#itemsOf(slot).push(item) - 1;
  }

  /** Like {@link put}, unless the item has an earlier time already. */
  hasten(item: Item, delayMs: number): void {
    if (item.slot < 0 || item.slot * slotMs > nowMs() + delayMs) this.put(item, delayMs);
  }

  /** Removes an item, and keeps no reference to it. */
  remove(item: Item): void {
    const items = this.#slots.get(item.slot);
    item.slot = -1;
    const last = items?.pop();
    if (items === undefined || last === undefined || last === item) return;
    items[item.place] = last;
    last.place = item.place;
  }

  #itemsOf(slot: number): Item[] {
    const known = this.#slots.get(slot);
    if (known !== undefined) return known;
    const items: Item[] = [];
    this.#slots.set(slot, items);
    // The clock may have passed the slot since it was chosen.
    this.#after(Math.max(0, slot * slotMs - nowMs()), () => this.#run(slot, items));
    return items;
  }

  #run(slot: number, items: Item[]): void {
    const due = items.splice(-mostAtOnce);
    for (const item of due) item.slot = -1;
    // An immediate that keeps no process alive waits for whatever wakes the program next.
    if (items.length > 0) this.#after(0, () => this.#run(slot, items));
    else this.#slots.delete(slot);
    if (due.length > 0) this.#due(due);
  }
}
