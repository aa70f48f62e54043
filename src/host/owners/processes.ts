import { readdirSync, readFileSync } from 'node:fs';

/** A process, and the name that the kernel has for it (`/proc/PID/comm`, at most 15 bytes). */
export interface HostProcess {
  readonly pid: number;
  readonly name: string;
}

/** The processes that /proc shows, lowest first. */
export function runningPids(): number[] {
  const pids: number[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (Number.isInteger(pid)) pids.push(pid);
  }
  return pids.sort((a, b) => a - b);
}

/** The text of a file of `/proc/PID`, or `undefined` where the process is gone or it may not be read. */
export function readProcessFile(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}

/** A process's name, or `undefined` where it is gone. */
export function processName(pid: number): string | undefined {
  const comm = readProcessFile(pid, 'comm');
  return comm?.endsWith('\n') ? comm.slice(0, -1) : comm;
}
