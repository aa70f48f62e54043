import { SystemCallError, UnsupportedError } from '../native/index.js';
import type { Incomplete } from './connection.js';
import { hasKernelTypes } from './iterator.js';
import { hasKernelPids, readSocketFiles, socketRecord } from './owners/file-iterator.js';
import { countDescriptors, visitProcesses, whyRefused } from './owners/proc-links.js';
import { type HostProcess, processName, runningPids } from './processes.js';

/** A process that has a socket open, and its lowest descriptor for it. */
export interface SocketOwner extends HostProcess {
  readonly fd: number;
}

/** Which processes have which sockets open. */
export interface SocketOwners {
  /** By the socket's inode: every process that has it open, the lowest pid first. Sockets without one are not in it. */
  readonly byInode: ReadonlyMap<number, readonly SocketOwner[]>;
  readonly incomplete: readonly Incomplete[];
}

export interface OwnerSearch {
  /** The inodes to find the owners of; by default those of all sockets, also of other kinds than TCP. */
  readonly inodes?: ReadonlySet<number>;
  /** The processes to look at; by default all. */
  readonly pids?: readonly number[];
}

/** The owners found so far. */
class Found {
  readonly byInode = new Map<number, SocketOwner[]>();
  readonly #inodes: ReadonlySet<number> | undefined;
  readonly #names = new Map<number, string>();

  constructor({ inodes }: OwnerSearch) {
    this.#inodes = inodes;
  }

  /** Whether more owners could not add a socket. */
  get isComplete(): boolean {
    return this.#inodes !== undefined && this.byInode.size >= this.#inodes.size;
  }

  /** Of several descriptors of one process for a socket, the first counts. */
  add(inode: number, pid: number, fd: number): void {
    if (this.#inodes !== undefined && !this.#inodes.has(inode)) return;
    const owners = this.byInode.get(inode);
    if (owners === undefined) this.byInode.set(inode, [this.#owner(pid, fd)]);
    else if ((owners.at(-1)?.pid ?? 0) < pid) owners.push(this.#owner(pid, fd));
    else this.#insert(owners, pid, fd);
  }

  #insert(owners: SocketOwner[], pid: number, fd: number): void {
    const place = owners.findIndex((owner) => owner.pid >= pid);
    if (owners[place]?.pid !== pid) owners.splice(place, 0, this.#owner(pid, fd));
  }

  #owner(pid: number, fd: number): SocketOwner {
    let name = this.#names.get(pid);
    if (name === undefined) {
      name = processName(pid) ?? '';
      this.#names.set(pid, name);
    }
    return { pid, name, fd };
  }
}

/**
 * Finds owners by the iterator of open files, or gives `undefined` where it cannot be had. It reaches every process,
 * whoever's it is.
 */
export function ownersByIterator(search: OwnerSearch): SocketOwners | undefined {
  if (search.pids !== undefined || !hasKernelPids()) return undefined;
  let words: Int32Array;
  try {
    words = readSocketFiles();
  } catch (error) {
    if (error instanceof SystemCallError || error instanceof UnsupportedError) return undefined;
    throw error;
  }
  const found = new Found(search);
  for (let at = 0; at < words.length; at += socketRecord.words) {
    const inode = (words[at + socketRecord.inode] as number) >>> 0;
    found.add(inode, words[at + socketRecord.pid] as number, words[at + socketRecord.fd] as number);
  }
  return { byInode: found.byInode, incomplete: [] };
}

/** Finds owners by the links in `/proc/PID/fd`. */
export function ownersByLinks(search: OwnerSearch, pids: readonly number[]): SocketOwners {
  const found = new Found(search);
  const refused = visitProcesses(pids, (pid) => (inode, fd) => found.add(inode, pid, fd));
  return { byInode: found.byInode, incomplete: found.isComplete ? [] : whyRefused(refused, search.pids === undefined) };
}

/**
 * From how many descriptors on the iterator is the faster way, without and with the kernel's types already read: a link
 * takes about 4 us to read, reading the types 20 ms.
 */
const iteratorPays = { cold: 5000, warm: 1000 } as const;

function paysToIterate({ inodes }: OwnerSearch, pids: readonly number[]): boolean {
  const least = hasKernelTypes() ? iteratorPays.warm : iteratorPays.cold;
  return (inodes?.size ?? 0) >= least || countDescriptors(pids) >= least;
}

/**
 * Finds the processes that have sockets open: by the kernel's iterator of open files where that is permitted
 * (CAP_BPF and CAP_PERFMON) and either faster or sees more, else by the links in their `/proc/PID/fd`.
 *
 * A socket that several processes share (after fork, or passed on) has several owners. Processes that may not be read
 * give one line in `incomplete`, unless all the sockets asked for have an owner without them.
 */
export function findOwners(search: OwnerSearch = {}): SocketOwners {
  const pids = search.pids === undefined ? runningPids() : [...new Set(search.pids)].sort((a, b) => a - b);
  const isLarge = search.pids === undefined && paysToIterate(search, pids);
  const iterated = isLarge ? ownersByIterator(search) : undefined;
  if (iterated !== undefined) return iterated;
  const linked = ownersByLinks(search, pids);
  if (linked.incomplete.length === 0 || isLarge) return linked;
  return ownersByIterator(search) ?? linked;
}
