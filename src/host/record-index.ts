const slotsPerRow = 2;

/** Finds rows of 32-bit words by a key of two words: open addressing, which needs no object for each of 30,000 sockets. */
export class RecordIndex {
  readonly #words: Int32Array;
  readonly #rowWords: number;
  readonly #keyAt: number;
  /** For each slot the number of its key's first row and 1, or 0. */
  readonly #slots: Int32Array;
  readonly #shift: number;
  /** For each row the next row of the same key, in the same way. */
  readonly #next: Int32Array;
  readonly #key = new BigInt64Array(1);
  readonly #keyWords = new Int32Array(this.#key.buffer);
  /** The number of different keys. */
  readonly size: number;

  /**
   * @param keyAt The word of a row at which its key begins. Default: 0.
   * @param isIndexed Whether a row is in the index, by the low word of its key. Default: every row is.
   */
  constructor(words: Int32Array, rowWords: number, keyAt = 0, isIndexed?: (low: number) => boolean) {
    const rows = words.length / rowWords;
    const bits = Math.max(1, Math.ceil(Math.log2(rows * slotsPerRow + 1)));
    this.#words = words;
    this.#rowWords = rowWords;
    this.#keyAt = keyAt;
    this.#slots = new Int32Array(2 ** bits);
    this.#shift = 32 - bits;
    this.#next = new Int32Array(rows);
    let size = 0;
    // From the last to the first, so that each row comes before those that are there already.
    for (let row = rows - 1; row >= 0; row -= 1) {
      const at = row * rowWords + keyAt;
      const low = words[at] as number;
      if (isIndexed?.(low >>> 0) === false) continue;
      const slot = this.#slot(low, words[at + 1] as number);
      const other = this.#slots[slot] as number;
      if (other === 0) size += 1;
      this.#next[row] = other;
      this.#slots[slot] = row + 1;
    }
    this.size = size;
  }

  /** Returns the slot that has this key, or would have it. */
  #slot(low: number, high: number): number {
    const mask = this.#slots.length - 1;
    // 2^32 divided by the golden ratio spreads keys that follow one another over all slots.
    let slot = Math.imul(low ^ high, 0x9e3779b1) >>> this.#shift;
    for (;;) {
      const row = (this.#slots[slot] as number) - 1;
      if (row < 0) return slot;
      const at = row * this.#rowWords + this.#keyAt;
      if (this.#words[at] === low && this.#words[at + 1] === high) return slot;
      slot = (slot + 1) & mask;
    }
  }

  /** Returns the first row of a key, or -1. */
  first(key: bigint): number {
    this.#key[0] = key;
    return (this.#slots[this.#slot(this.#keyWords[0] as number, this.#keyWords[1] as number)] as number) - 1;
  }

  /** Returns the first row of a key that fits one word, or -1. */
  firstOfWord(key: number): number {
    return (this.#slots[this.#slot(key | 0, 0)] as number) - 1;
  }

  /** Returns the next row of the same key, or -1. */
  next(row: number): number {
    return (this.#next[row] as number) - 1;
  }

  /** Yields the first row of each key. */
  *[Symbol.iterator](): Generator<number> {
    for (const first of this.#slots) if (first !== 0) yield first - 1;
  }
}
