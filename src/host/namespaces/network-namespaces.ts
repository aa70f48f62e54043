import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { SystemCallError, UnsupportedError } from '../../native/errors.js';
import { inNetworkNamespace, ownNamespacePath } from '../../native/network-namespace.js';
import type { Omission } from '../list/connection.js';

/** A network namespace of the machine. */
export interface NetworkNamespace {
  /** What identifies it: the inode of /proc/PID/ns/net. */
  readonly inode: number;
  /** A path that opens it. */
  readonly path: string;
  /** Its name under /run/netns (`ip netns`) or Docker's folder. */
  readonly name: string | undefined;
  /** A process in it, the one with the lowest id that could be read. */
  readonly pid: number | undefined;
  /** Whether it is this process's own. */
  readonly isOwn: boolean;
}

/** The network namespaces that were found, and what hides others. */
export interface NetworkNamespaces {
  readonly namespaces: NetworkNamespace[];
  readonly incomplete: Omission[];
  /** Whether the list is complete, except for namespaces that only an open descriptor or a single thread keeps. */
  readonly isWhole: boolean;
}

/** Where the files are that give a namespace a name: of `ip netns` and the container runtimes that use CNI, of Docker. */
const folders = ['/run/netns', '/run/docker/netns', '/var/run/docker/netns'];

const noNamespace = 'the file is not a namespace any more';

interface NamedFile {
  readonly name: string;
  readonly path: string;
}

/** Entries of a folder; none when it is not there. */
function entriesOf(folder: string, incomplete: Omission[]): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      incomplete.push({ what: `the namespaces of ${folder}`, why: `${code}` });
    return [];
  }
}

/** The files that name a namespace, by its inode. */
function namedNamespaces(nsfs: number, incomplete: Omission[]): Map<number, NamedFile> {
  const named = new Map<number, NamedFile>();
  for (const folder of folders) {
    for (const name of entriesOf(folder, incomplete)) {
      const path = `${folder}/${name}`;
      try {
        const { dev, ino } = statSync(path);
        // Without its mount the file is an ordinary empty one.
        if (dev !== nsfs) incomplete.push({ what: `the namespace ${path}`, why: noNamespace });
        else if (!named.has(ino)) named.set(ino, { name, path });
      } catch (error) {
        incomplete.push({ what: `the namespace ${path}`, why: `${(error as NodeJS.ErrnoException).code}` });
      }
    }
  }
  return named;
}

/** The inode of a process's network namespace, or the code of the error. */
function namespaceOfProcess(pid: number): number | string {
  try {
    return Number(readlinkSync(`/proc/${pid}/ns/net`).slice('net:['.length, -1));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

/**
 * Returns a key that two processes share if they are in the same namespace, even if the namespace may not be read: each
 * namespace has a file of its own behind /proc/PID/net (fs/proc/proc_net.c). `undefined` if the process has ended.
 */
function netFileOf(pid: number | 'self'): number | undefined {
  return statSync(`/proc/${pid}/net/dev`, { throwIfNoEntry: false })?.ino;
}

/** Returns whether a process may be in a namespace that none of the known processes is in. */
function isAnyElsewhere(refused: readonly number[], known: Iterable<number>): boolean {
  if (refused.length === 0) return false;
  try {
    const files = new Set([undefined, netFileOf('self'), ...Array.from(known, netFileOf)]);
    return refused.some((pid) => !files.has(netFileOf(pid)));
  } catch {
    return true;
  }
}

/** Returns the lowest process id in each namespace, by inode, and whether a process may be in an unknown namespace. */
function processNamespaces(incomplete: Omission[]): { found: Map<number, number>; isWhole: boolean } {
  const pids = entriesOf('/proc', incomplete).map(Number).filter(Number.isInteger);
  const found = new Map<number, number>();
  const refused: number[] = [];
  for (const pid of pids.sort((a, b) => a - b)) {
    const inode = namespaceOfProcess(pid);
    if (inode === 'EACCES' || inode === 'EPERM') refused.push(pid);
    else if (typeof inode === 'number' && !found.has(inode)) found.set(inode, pid);
  }
  if (refused.length > 0) {
    const processes = refused.length === 1 ? 'namespace of 1 process' : `namespaces of ${refused.length} processes`;
    const why = 'reading /proc/PID/ns/net of a process of another user takes CAP_SYS_PTRACE';
    incomplete.push({ what: `the network ${processes}`, why });
  }
  // Every PID namespace has a process 1.
  const hasUnlisted = pids[0] !== 1;
  if (hasUnlisted) incomplete.push({ what: 'the network namespaces of hidden processes', why: '/proc has hidepid' });
  return { found, isWhole: !hasUnlisted && !isAnyElsewhere(refused, found.values()) };
}

/**
 * Finds the network namespaces that a process is in or that a file names, each once, this process's own first.
 *
 * A namespace that only an open descriptor or a single thread keeps is not found. Finding the namespaces of other users'
 * processes needs CAP_SYS_PTRACE. Entering any but this process's own needs CAP_SYS_ADMIN. Linux.
 *
 * @example
 * const named = networkNamespaces().namespaces.filter(({ name }) => name !== undefined);
 * @throws {UnsupportedError} on other platforms; the error of `node:fs` if /proc is not mounted.
 */
export function networkNamespaces(): NetworkNamespaces {
  if (process.platform !== 'linux') throw new UnsupportedError('network namespaces', 'Linux');
  const incomplete: Omission[] = [];
  const own = statSync(ownNamespacePath);
  const named = namedNamespaces(own.dev, incomplete);
  const areFilesWhole = incomplete.every(({ why }) => why === noNamespace);
  const { found: processes, isWhole } = processNamespaces(incomplete);
  const inodes = new Set([own.ino, ...named.keys(), ...processes.keys()]);
  const namespaces = [...inodes].map((inode): NetworkNamespace => {
    const isOwn = inode === own.ino;
    const pid = processes.get(inode);
    const file = named.get(inode);
    const path = isOwn ? ownNamespacePath : (file?.path ?? `/proc/${pid}/ns/net`);
    return { inode, path, name: file?.name, pid, isOwn };
  });
  return { namespaces, incomplete, isWhole: isWhole && areFilesWhole };
}

/**
 * Runs `action`, which must be synchronous, in a namespace; `undefined` stands for this process's own.
 *
 * @throws {SystemCallError} like `inNetworkNamespace`, and ENOENT if the path leads to another namespace by now.
 */
export function within<Result>(namespace: NetworkNamespace | undefined, action: () => Result): Result {
  if (namespace === undefined || namespace.isOwn) return action();
  const { path, inode } = namespace;
  return inNetworkNamespace(path, () => {
    // The process by which it was found may have ended, and its id may be another's now.
    if (statSync(ownNamespacePath).ino === inode) return action();
    throw new SystemCallError('setns', 'ENOENT', `the network namespace ${inode} is gone from ${path}`);
  });
}
