import { hasKernelTypes } from '../../native/bpf/kernel-types.js';
import { SystemCallError, UnsupportedError } from '../../native/errors.js';
import type { Omission } from '../list/connection.js';
import { hasKernelPids, type OpenFiles, readOpenFiles } from './open-files.js';
import { countDescriptors, type HiddenProcesses, hiddenProcesses, visitProcesses, whyRefused } from './proc-links.js';
import { type HostProcess, hostProcess, runningPids } from './processes.js';

/** A process that has a socket open, and its lowest descriptor for it. */
export interface SocketOwner extends HostProcess {
  readonly fd: number;
}

/** The owners of sockets, by the socket's inode. */
export interface OwnersByInode extends Iterable<readonly [inode: number, owners: readonly SocketOwner[]]> {
  /** Every process that has the socket open, the lowest pid first; `undefined` for a socket without one. */
  get(inode: number): readonly SocketOwner[] | undefined;
  readonly size: number;
}

/** Which processes have which sockets open. */
export interface SocketOwners {
  readonly byInode: OwnersByInode;
  readonly incomplete: readonly Omission[];
  /** The processes that may not be looked into; `undefined` if every owner was found. */
  readonly hidden: HiddenProcesses | undefined;
  /** The open files that showed the owners, if the kernel's iterator did: they have the options too. */
  readonly files?: OpenFiles;
}

export interface OwnerSearch {
  /** The inodes to find the owners of; by default those of all sockets, also of other kinds than TCP. */
  readonly inodes?: ReadonlySet<number>;
  /** The processes to look at; by default all. */
  readonly pids?: readonly number[];
  /** Whether the sockets' options are wanted too and the open files may show them. Default: false. */
  readonly wantsOptions?: boolean;
}

/** Returns a function that gives processes, and remembers them; `undefined` for a process that has ended meanwhile. */
function createProcesses(): (pid: number) => HostProcess | undefined {
  const known = new Map<number, HostProcess | undefined>();
  return (pid) => {
    if (!known.has(pid)) known.set(pid, hostProcess(pid));
    return known.get(pid);
  };
}

/**
 * Finds owners by the iterator of open files, or gives `undefined` where it cannot be had. It reaches every process,
 * whoever's it is.
 */
export function ownersByIterator(search: OwnerSearch): SocketOwners | undefined {
  if (search.pids !== undefined || !hasKernelPids()) return undefined;
  let files: OpenFiles;
  try {
    files = readOpenFiles();
  } catch (error) {
    if (error instanceof SystemCallError || error instanceof UnsupportedError) return undefined;
    throw error;
  }
  return { byInode: files.owners(createProcesses(), search.inodes), incomplete: [], hidden: undefined, files };
}

/** Finds owners by the links in `/proc/PID/fd`. */
export function ownersByLinks({ inodes, pids: named }: OwnerSearch, pids: readonly number[]): SocketOwners {
  const byInode = new Map<number, SocketOwner[]>();
  const processOf = createProcesses();
  const refused = visitProcesses(pids, (pid) => (inode, fd) => {
    if (inodes !== undefined && !inodes.has(inode)) return;
    const process = processOf(pid);
    if (process === undefined) return;
    const owners = byInode.get(inode);
    if (owners === undefined) byInode.set(inode, [{ ...process, fd }]);
    else if (owners.at(-1)?.pid !== pid) owners.push({ ...process, fd });
  });
  const isComplete = inodes !== undefined && byInode.size >= inodes.size;
  const hidden = isComplete ? undefined : hiddenProcesses(refused, named === undefined);
  return { byInode, incomplete: hidden === undefined ? [] : whyRefused(hidden), hidden };
}

/**
 * The number of descriptors from which on the iterator is faster: without and with the kernel's types already read, and the
 * number of sockets whose options are wanted too. A link takes about 4 us to read, a copy 12 us, the types 20 ms.
 */
const iteratorPays = { cold: 5000, warm: 1000, withOptions: 1500 } as const;

function paysToIterate({ inodes, wantsOptions }: OwnerSearch, pids: readonly number[]): boolean {
  const least = hasKernelTypes() ? iteratorPays.warm : iteratorPays.cold;
  if (wantsOptions && (inodes?.size ?? 0) >= iteratorPays.withOptions) return true;
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
