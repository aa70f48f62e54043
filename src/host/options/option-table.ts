import type { KeepAliveState } from '../../socket/state.js';
import { CookieIndex } from '../record-index.js';
import { readRecord } from './iterator-programs.js';
import { stateAt } from './option-records.js';

/** The options of many sockets by cookie, kept as the kernel wrote them. */
export class OptionTable {
  readonly #index: CookieIndex;
  readonly #words: Int32Array;

  /** `words` holds {@link readRecord}s, all of sockets whose options could be read. */
  constructor(words: Int32Array) {
    this.#words = words;
    const keys = new Uint32Array(words.buffer, words.byteOffset, words.length);
    this.#index = new CookieIndex(keys, words.length / readRecord.words, readRecord.words);
  }

  get size(): number {
    return this.#index.size;
  }

  get(cookie: bigint): KeepAliveState | undefined {
    const row = this.#index.row(cookie);
    return row < 0 ? undefined : stateAt(this.#words, row * readRecord.words + readRecord.values);
  }
}
