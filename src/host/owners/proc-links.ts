import { existsSync, statSync } from 'node:fs';
import { SystemCallError } from '../../native/errors.js';
import { type SocketVisitor, visitSocketLinks } from '../../native/socket-links.js';
import type { Omission } from '../list/connection.js';
import { readProcessFile } from './processes.js';

/** Returns how many descriptors a process has, 0 where that is not known: the kernel tells it since 6.2. */
function descriptorCount(pid: number): number {
  return statSync(`/proc/${pid}/fd`, { throwIfNoEntry: false })?.size ?? 0;
}

/** Returns how many descriptors processes have together, as far as the kernel tells. */
export function countDescriptors(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + descriptorCount(pid), 0);
}

/** Kernel threads and zombies have no command line, and no sockets of which a program could lose sight. */
function isProgram(pid: number): boolean {
  return (readProcessFile(pid, 'cmdline') ?? '') !== '';
}

function isForeign(pid: number): boolean {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid !== process.getuid?.();
}

function gap(pids: readonly number[], one: string, many: string, why: string): Omission[] {
  if (pids.length === 0) return [];
  const whose = pids.length === 1 ? `1 process ${one}` : `${pids.length} processes ${many}`;
  return [{ what: `the owners of the sockets of ${whose}`, why }];
}

/** Processes that may not be looked into: a socket without a known owner may be theirs. */
export interface HiddenProcesses {
  readonly pids: readonly number[];
  /** Whether /proc shows some processes not at all (hidepid). */
  readonly hasUnlisted: boolean;
  /** How to make them visible. */
  readonly why: string;
}

const capabilities = 'CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH';

/**
 * Returns which of the refused processes can have sockets; `undefined` if none can.
 *
 * @param isEveryProcess Whether all processes were to be looked at; some may then be hidden.
 */
export function hiddenProcesses(refused: readonly number[], isEveryProcess: boolean): HiddenProcesses | undefined {
  const pids = refused.filter(isProgram);
  // Every PID namespace has a process 1.
  const hasUnlisted = isEveryProcess && !existsSync('/proc/1');
  if (pids.length === 0 && !hasUnlisted) return undefined;
  const remedy = process.getuid?.() === 0 ? `it takes ${capabilities}` : `run as root, or with ${capabilities}`;
  return { pids, hasUnlisted, why: `not permitted: ${remedy}` };
}

/** Returns the lines about facts that are missing because processes may not be looked into. */
export function whyRefused({ pids: programs, hasUnlisted }: HiddenProcesses): Omission[] {
  const remedy = process.getuid?.() === 0 ? `it needs ${capabilities}` : `it needs root, or ${capabilities}`;
  return [
    ...gap(programs.filter(isForeign), 'of another user', 'of other users', `to read their descriptors, ${remedy}`),
    ...gap(
      programs.filter((pid) => !isForeign(pid)),
      'that is protected',
      'that are protected',
      'the kernel refuses: not dumpable, with more capabilities than this one, or protected by a security module',
    ),
    ...(hasUnlisted
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

/** Visits the sockets of processes by the links in their `/proc/PID/fd`, and gives those that may not be looked at. */
export function visitProcesses(pids: readonly number[], visit: (pid: number) => SocketVisitor): number[] {
  return pids.filter(
    (pid) => !isPermitted(() => visitSocketLinks(`/proc/${pid}/fd`, descriptorCount(pid), visit(pid))),
  );
}
