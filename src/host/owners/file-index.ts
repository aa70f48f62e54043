import { socketRecord } from './file-iterator.js';
import type { SocketOwner } from './owners.js';

const slotsPerRow = 2;

/** Looks the owners of sockets up in the records of the iterator: an owner is made when it is asked for. */
export class FileIndex {
  readonly #words: Int32Array;
  readonly #nameOf: (pid: number) => string | undefined;
  /** By what an inode comes to, the number of its first record and 1, or 0. */
  readonly #slots: Int32Array;
  readonly #shift: number;
  /** For each record, the next of the same inode in the same way. */
  readonly #next: Int32Array;
  /** How many inodes there are. */
  readonly size: number;

  /** `inodes` says which sockets to take up; all where it is `undefined`. */
  constructor(words: Int32Array, nameOf: (pid: number) => string | undefined, inodes: ReadonlySet<number> | undefined) {
    const records = words.length / socketRecord.words;
    const bits = Math.max(1, Math.ceil(Math.log2(records * slotsPerRow + 1)));
    this.#words = words;
    this.#nameOf = nameOf;
    this.#slots = new Int32Array(2 ** bits);
    this.#shift = 32 - bits;
    this.#next = new Int32Array(records);
    let size = 0;
    // From the last to the first, so that each comes before those that were there already.
    for (let record = records - 1; record >= 0; record -= 1) {
      const inode = this.#inode(record);
      if (inodes !== undefined && !inodes.has(inode)) continue;
      const slot = this.#slot(inode);
      const other = this.#slots[slot] as number;
      if (other === 0) size += 1;
      this.#next[record] = other;
      this.#slots[slot] = record + 1;
    }
    this.size = size;
  }

  /** Every process that has a socket open, the lowest pid first, each with its first descriptor for it. */
  get(inode: number): readonly SocketOwner[] | undefined {
    const first = this.#slots[this.#slot(inode)] as number;
    if (first === 0) return undefined;
    const owners: SocketOwner[] = [];
    for (let next = first; next !== 0; next = this.#next[next - 1] as number) this.#insert(owners, next - 1);
    return owners;
  }

  *[Symbol.iterator](): Generator<readonly [number, readonly SocketOwner[]]> {
    for (const first of this.#slots) {
      if (first === 0) continue;
      const inode = this.#inode(first - 1);
      yield [inode, this.get(inode) as readonly SocketOwner[]];
    }
  }

  #inode(record: number): number {
    return (this.#words[record * socketRecord.words + socketRecord.inode] as number) >>> 0;
  }

  #pid(record: number): number {
    return this.#words[record * socketRecord.words + socketRecord.pid] as number;
  }

  /** The slot that has this inode, or would have it. */
  #slot(inode: number): number {
    const mask = this.#slots.length - 1;
    // 2^32 divided by the golden ratio spreads numbers that follow one another over all slots.
    let slot = Math.imul(inode, 0x9e3779b1) >>> this.#shift;
    for (;;) {
      const record = (this.#slots[slot] as number) - 1;
      if (record < 0 || this.#inode(record) === inode) return slot;
      slot = (slot + 1) & mask;
    }
  }

  /** The processes come in order, but for threads that have their files to themselves. One that has ended owns nothing. */
  #insert(owners: SocketOwner[], record: number): void {
    const pid = this.#pid(record);
    const last = owners.at(-1)?.pid ?? 0;
    if (pid === last) return;
    const name = this.#nameOf(pid);
    if (name === undefined) return;
    const owner = { pid, name, fd: this.#words[record * socketRecord.words + socketRecord.fd] as number };
    if (pid > last) {
      owners.push(owner);
      return;
    }
    const place = owners.findIndex((other) => other.pid >= pid);
    if (owners[place]?.pid !== pid) owners.splice(place, 0, owner);
  }
}
