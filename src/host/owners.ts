import { existsSync, statSync } from 'node:fs';
import { SystemCallError } from '../native/index.js';
import { visitSocketLinks } from '../native/socket-links.js';
import type { Incomplete } from './connection.js';
import { type HostProcess, processName, readProcessFile, runningPids } from './processes.js';

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

function descriptorCount(directory: string): number {
  return statSync(directory, { throwIfNoEntry: false })?.size ?? 0;
}

/** Adds the sockets of one process to `found`. */
function visitProcess(pid: number, { inodes }: OwnerSearch, found: Map<number, SocketOwner[]>): void {
  const directory = `/proc/${pid}/fd`;
  let name: string | undefined;
  visitSocketLinks(directory, descriptorCount(directory), (inode, fd) => {
    if (inodes !== undefined && !inodes.has(inode)) return;
    name ??= processName(pid) ?? '';
    const owners = found.get(inode);
    if (owners === undefined) found.set(inode, [{ pid, name, fd }]);
    else if (owners.at(-1)?.pid !== pid) owners.push({ pid, name, fd });
  });
}

/** Kernel threads and zombies have no command line, and no sockets of which a program could lose sight. */
function isProgram(pid: number): boolean {
  return (readProcessFile(pid, 'cmdline') ?? '') !== '';
}

function isForeign(pid: number): boolean {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid !== process.getuid?.();
}

function gap(pids: readonly number[], one: string, many: string, why: string): Incomplete[] {
  if (pids.length === 0) return [];
  const whose = pids.length === 1 ? `1 process ${one}` : `${pids.length} processes ${many}`;
  return [{ what: `the owners of the sockets of ${whose}`, why }];
}

function describeGaps(refused: readonly number[], isEveryProcess: boolean): Incomplete[] {
  const capabilities = 'CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH';
  const remedy = process.getuid?.() === 0 ? `it needs ${capabilities}` : `it needs root, or ${capabilities}`;
  const programs = refused.filter(isProgram);
  // Every PID namespace has a process 1.
  const isHidden = isEveryProcess && !existsSync('/proc/1');
  return [
    ...gap(programs.filter(isForeign), 'of another user', 'of other users', `to read their descriptors, ${remedy}`),
    ...gap(
      programs.filter((pid) => !isForeign(pid)),
      'that is protected',
      'that are protected',
      'the kernel refuses: not dumpable, with more capabilities than this one, or protected by a security module',
    ),
    ...(isHidden
      ? [{ what: 'the owners of the sockets of hidden processes', why: `/proc has hidepid; ${remedy}` }]
      : []),
  ];
}

/** Runs a visit and gives whether it was permitted. A process that has exited has no sockets. */
function isPermitted(visit: () => void): boolean {
  try {
    visit();
    return true;
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return true;
    if (error.code === 'EACCES' || error.code === 'EPERM') return false;
    throw error;
  }
}

/**
 * Finds the processes that have sockets open, by the links in their `/proc/PID/fd`.
 *
 * A socket that several processes share (after fork, or passed on) has several owners. Processes that may not be read
 * give one line in `incomplete`, unless all the sockets asked for have an owner without them.
 */
export function findOwners(search: OwnerSearch = {}): SocketOwners {
  const byInode = new Map<number, SocketOwner[]>();
  const pids = search.pids === undefined ? runningPids() : [...new Set(search.pids)].sort((a, b) => a - b);
  const refused = pids.filter((pid) => !isPermitted(() => visitProcess(pid, search, byInode)));
  const isComplete = search.inodes !== undefined && byInode.size >= search.inodes.size;
  return { byInode, incomplete: isComplete ? [] : describeGaps(refused, search.pids === undefined) };
}
