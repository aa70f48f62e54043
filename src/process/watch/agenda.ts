/** Looks that fall due within this time of each other are taken together. */
const slotMs = 25;

/** Looks at peers of whom nothing is expected soon may be later, and more of them together: waking up costs as well. */
const slotsTogether = 4;
const longMs = 1000;

/** No more are taken in one go, so that a program is not held up. */
const mostAtOnce = 500;

/** Things to be looked at, each at its time; what falls due together is handed over together. It keeps no process alive. */
export class Agenda<Item extends object> {
  readonly #due: (items: readonly Item[]) => void;
  readonly #slots = new Map<number, Item[]>();
  /** The slot that each item is in; an item that was moved stays in its old one, where it is passed over. */
  readonly #slotOf: (item: Item) => number;
  readonly #setSlot: (item: Item, slot: number) => void;

  /** `slotOf` and `setSlot` keep a number on each item, which costs less than a map. */
  constructor(
    due: (items: readonly Item[]) => void,
    slotOf: (item: Item) => number,
    setSlot: (item: Item, slot: number) => void,
  ) {
    this.#due = due;
    this.#slotOf = slotOf;
    this.#setSlot = setSlot;
  }

  /** Puts an item in for `delayMs` from now, instead of where it was; `isExact` where a tenth of a second matters. */
  put(item: Item, delayMs: number, isExact = false): void {
    const slots = isExact || delayMs < longMs ? 1 : slotsTogether;
    const slot = Math.ceil((performance.now() + delayMs) / slotMs / slots) * slots;
    if (this.#slotOf(item) === slot) return;
    this.#setSlot(item, slot);
    const items = this.#slots.get(slot);
    if (items !== undefined) {
      items.push(item);
      return;
    }
    this.#slots.set(slot, [item]);
    setTimeout(() => this.#run(slot), slot * slotMs - performance.now()).unref();
  }

  /** Takes an item out. */
  remove(item: Item): void {
    this.#setSlot(item, -1);
  }

  /** Takes all items out, and gives them. */
  clear(): Item[] {
    const items = [...this.#slots].flatMap(([slot, list]) => list.filter((item) => this.#slotOf(item) === slot));
    this.#slots.clear();
    for (const item of items) this.remove(item);
    return items;
  }

  #run(slot: number): void {
    const items = (this.#slots.get(slot) ?? []).filter((item) => this.#slotOf(item) === slot);
    this.#slots.delete(slot);
    const [now, later] = [items.slice(0, mostAtOnce), items.slice(mostAtOnce)];
    for (const item of now) this.#setSlot(item, -1);
    if (later.length > 0) {
      this.#slots.set(slot, later);
      setImmediate(() => this.#run(slot)).unref();
    }
    if (now.length > 0) this.#due(now);
  }
}
