import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { SystemCallError } from '../../native/index.js';
import { checked, linuxCalls } from '../../native/linux-calls.js';
import { OwnedDescriptor } from '../../native/owned-descriptor.js';
import type { KernelDefaults } from '../../socket/index.js';
import type { Incomplete } from '../connection.js';
import { codeOf } from './failed-call.js';
import { readRunningValues } from './running-values.js';

/** The kernel's keepalive defaults in another network namespace. */
export interface NamespaceDefaults extends KernelDefaults {
  /** Its inode, as in /proc/PID/ns/net. */
  readonly netns: number;
  /** Its name under /run/netns (ip netns), if it has one. */
  readonly name: string | null;
  /** One of the processes in it, that with the lowest id; `null` where it has none. */
  readonly process: { readonly pid: number; readonly name: string } | null;
}

interface FoundNamespace {
  readonly path: string;
  name: string | null;
  process: { readonly pid: number; readonly name: string } | null;
}

const ownPath = '/proc/thread-self/ns/net';

function ofProcesses(found: Map<number, FoundNamespace>): { hidden: number } {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  let hidden = 0;
  for (const pid of pids.sort((a, b) => a - b)) {
    const path = `/proc/${pid}/ns/net`;
    try {
      const { ino } = statSync(path);
      if (found.has(ino)) continue;
      const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
      found.set(ino, { path, name: null, process: { pid, name } });
    } catch (error) {
      // A process that has ended meanwhile is nobody's loss.
      if (['EACCES', 'EPERM'].includes(codeOf(error))) hidden += 1;
    }
  }
  return { hidden };
}

function ofNames(found: Map<number, FoundNamespace>): void {
  const directory = '/run/netns';
  const { dev } = statSync(ownPath);
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    const path = `${directory}/${name}`;
    try {
      const status = statSync(path);
      // A name that is not mounted is an ordinary file.
      if (status.dev !== dev) continue;
      const known = found.get(status.ino);
      if (known === undefined) found.set(status.ino, { path, name, process: null });
      else known.name ??= name;
    } catch {
      // Removed meanwhile.
    }
  }
}

function openNamespace(path: string): OwnedDescriptor {
  const readOnlyCloseOnExec = 0o2000000;
  const fd = checked(linuxCalls().open(path, readOnlyCloseOnExec), `open(${path})`, 'the namespace cannot be opened');
  return new OwnedDescriptor(fd, `network namespace ${path}`);
}

function enter(descriptor: OwnedDescriptor): void {
  const newNetwork = 0x40000000;
  checked(linuxCalls().setns(descriptor.fd, newNetwork), 'setns', 'entering a network namespace needs CAP_SYS_ADMIN');
}

/** Runs `read` with this thread in another network namespace; it must not await anything. */
function inNamespace<Result>(path: string, netns: number, read: () => Result): Result | undefined {
  using home = openNamespace(ownPath);
  using there = openNamespace(path);
  // The process by which it was found may have ended, and its id may be another's now.
  if (statSync(`/proc/self/fd/${there.fd}`).ino !== netns) return undefined;
  enter(there);
  try {
    return read();
  } finally {
    enter(home);
  }
}

function missingOf(failures: ReadonlyMap<string, number>, hidden: number): Incomplete[] {
  const lines = [...failures].map(([why, count]) => ({
    what: `${count} other network ${count === 1 ? 'namespace' : 'namespaces'}`,
    why,
  }));
  if (hidden === 0) return lines;
  const what = `the network ${hidden === 1 ? 'namespace of 1 process' : `namespaces of ${hidden} processes`}`;
  return [...lines, { what, why: 'looking into other processes needs root (CAP_SYS_PTRACE)' }];
}

/**
 * The kernel's keepalive defaults in every other network namespace that a process is in, or that has a name in
 * /run/netns.
 *
 * Needs CAP_SYS_ADMIN; what cannot be read is told in `incomplete`.
 */
export function otherNamespaces(): { namespaces: NamespaceDefaults[]; incomplete: Incomplete[] } {
  const found = new Map<number, FoundNamespace>();
  const { hidden } = ofProcesses(found);
  ofNames(found);
  found.delete(statSync(ownPath).ino);
  const namespaces: NamespaceDefaults[] = [];
  const failures = new Map<string, number>();
  for (const [netns, { path, name, process }] of found) {
    try {
      const defaults = inNamespace(path, netns, () => readRunningValues('/'));
      if (defaults !== undefined) namespaces.push({ netns, name, process, ...defaults });
    } catch (error) {
      if (!existsSync(path)) continue;
      const why = error instanceof SystemCallError ? error.message : String(error);
      failures.set(why, (failures.get(why) ?? 0) + 1);
    }
  }
  return { namespaces, incomplete: missingOf(failures, hidden) };
}
