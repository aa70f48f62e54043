import type { KeepAliveState } from '../../socket/state.js';
import { RecordIndex } from '../record-index.js';
import { readRecord } from './iterator-programs.js';
import { stateAt } from './option-records.js';

/** The options of many sockets by cookie, kept as the kernel wrote them. */
export class OptionTable {
  readonly #index: RecordIndex;
  readonly #words: Int32Array;

  /** `words` holds {@link readRecord}s, all of sockets whose options could be read. */
  constructor(words: Int32Array) {
    this.#words = words;
    this.#index = new RecordIndex(words, readRecord.words);
  }

  get size(): number {
    return this.#index.size;
  }

  get(cookie: bigint): KeepAliveState | undefined {
    const row = this.#index.first(cookie);
    return row < 0 ? undefined : stateAt(this.#words, row * readRecord.words + readRecord.values);
  }
}
