import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { SystemCallError, UnsupportedError } from '../native/index.js';
import { inNetworkNamespace, ownNamespacePath } from '../native/network-namespace.js';
import type { Incomplete } from './connection.js';

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
  readonly incomplete: Incomplete[];
  /** Whether every process and every folder could be looked at. */
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
function entriesOf(folder: string, incomplete: Incomplete[]): string[] {
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
function namedNamespaces(nsfs: number, incomplete: Incomplete[]): Map<number, NamedFile> {
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

/** The lowest process id in each namespace, by its inode. */
function processNamespaces(incomplete: Incomplete[]): Map<number, number> {
  const pids = entriesOf('/proc', incomplete).map(Number).filter(Number.isInteger);
  const found = new Map<number, number>();
  let refused = 0;
  for (const pid of pids.sort((a, b) => a - b)) {
    const inode = namespaceOfProcess(pid);
    if (inode === 'EACCES' || inode === 'EPERM') refused++;
    else if (typeof inode === 'number' && !found.has(inode)) found.set(inode, pid);
  }
  if (refused > 0) {
    const what =
      refused === 1 ? 'the network namespace of 1 process' : `the network namespaces of ${refused} processes`;
    const why = 'reading /proc/PID/ns/net of a process of another user takes CAP_SYS_PTRACE';
    incomplete.push({ what, why });
  }
  return found;
}

/**
 * Finds the network namespaces that a process is in or that a file names, each once, this process's own first.
 *
 * One that is kept only by an open descriptor, or by a single thread of a process, is not found. Those of other users'
 * processes take CAP_SYS_PTRACE to find, all but this process's own CAP_SYS_ADMIN to enter.
 *
 * @throws {UnsupportedError} on other platforms; the error of `node:fs` where /proc is not mounted.
 */
export function networkNamespaces(): NetworkNamespaces {
  if (process.platform !== 'linux') throw new UnsupportedError('network namespaces', 'Linux');
  const incomplete: Incomplete[] = [];
  const own = statSync(ownNamespacePath);
  const named = namedNamespaces(own.dev, incomplete);
  const processes = processNamespaces(incomplete);
  const inodes = new Set([own.ino, ...named.keys(), ...processes.keys()]);
  const namespaces = [...inodes].map((inode): NetworkNamespace => {
    const isOwn = inode === own.ino;
    const pid = processes.get(inode);
    const file = named.get(inode);
    const path = isOwn ? ownNamespacePath : (file?.path ?? `/proc/${pid}/ns/net`);
    return { inode, path, name: file?.name, pid, isOwn };
  });
  return { namespaces, incomplete, isWhole: incomplete.every(({ why }) => why === noNamespace) };
}

/**
 * Runs `action`, which must be synchronous, in a namespace; `undefined` stands for this process's own.
 *
 * @throws {SystemCallError} as `inNetworkNamespace` does, and ENOENT where the path stands for another one by now.
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
