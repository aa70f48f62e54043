const slotsPerRow = 2;

/** Looks 64-bit keys up in rows of 32-bit words: open addressing, which needs no object for each of 30,000 sockets. */
export class CookieIndex {
  readonly #words: Uint32Array;
  readonly #rowWords: number;
  readonly #slots: Int32Array;
  readonly #shift: number;
  readonly #key = new BigUint64Array(1);
  readonly #keyWords = new Uint32Array(this.#key.buffer);
  /** How many different keys there are. */
  readonly size: number;

  /** `words` holds `rows` rows of `rowWords` words each, of which the first two are the key. The first of equals counts. */
  constructor(words: Uint32Array, rows: number, rowWords: number) {
    this.#words = words;
    this.#rowWords = rowWords;
    const bits = Math.max(1, Math.ceil(Math.log2(rows * slotsPerRow + 1)));
    this.#slots = new Int32Array(2 ** bits);
    this.#shift = 32 - bits;
    let size = 0;
    for (let row = 0; row < rows; row += 1) {
      const slot = this.#slot(words[row * rowWords] as number, words[row * rowWords + 1] as number);
      if (this.#slots[slot] !== 0) continue;
      this.#slots[slot] = row + 1;
      size += 1;
    }
    this.size = size;
  }

  /** The slot that has this key, or would have it. */
  #slot(low: number, high: number): number {
    const mask = this.#slots.length - 1;
    // 2^32 divided by the golden ratio spreads keys that follow one another over all slots.
    let slot = Math.imul(low ^ high, 0x9e3779b1) >>> this.#shift;
    for (;;) {
      const row = (this.#slots[slot] as number) - 1;
      if (row < 0) return slot;
      const at = row * this.#rowWords;
      if (this.#words[at] === low && this.#words[at + 1] === high) return slot;
      slot = (slot + 1) & mask;
    }
  }

  /** The row of a key, or -1. */
  row(key: bigint): number {
    this.#key[0] = key;
    return (this.#slots[this.#slot(this.#keyWords[0] as number, this.#keyWords[1] as number)] as number) - 1;
  }
}
