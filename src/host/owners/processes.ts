import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { programName, withoutPadding } from './program-name.js';

/** A process, and the name that the kernel has for it (`/proc/PID/comm`, at most 15 bytes). */
export interface HostProcess {
  readonly pid: number;
  readonly name: string;
  /** What people call the program, such as `node app.js`. Left out if the command line tells no more than the name. */
  readonly program?: string;
  /** The command line, with spaces between the arguments, at most 64 KiB of it. Left out if it is empty or could not be read. */
  readonly command?: string;
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

/** A command line can have megabytes. */
const mostBytes = 64 * 1024;
let buffer: Buffer | undefined;

/** Returns the first 64 KiB of a command line; empty if the process has ended or has none. */
function readCommandLine(pid: number): string {
  buffer ??= Buffer.allocUnsafeSlow(mostBytes);
  let fd: number | undefined;
  try {
    fd = openSync(`/proc/${pid}/cmdline`, 'r');
    // The kernel fills the buffer or gives all there is (fs/proc/base.c, proc_pid_cmdline_read).
    let length = readSync(fd, buffer, 0, mostBytes, null);
    // A program that has set its title leaves NULs behind the title.
    while (length > 0 && buffer[length - 1] === 0) length -= 1;
    return buffer.toString('utf8', 0, length);
  } catch {
    return '';
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Reads the name, the program and the command line of a process; `undefined` if the process has ended. */
export function hostProcess(pid: number): HostProcess | undefined {
  const name = processName(pid);
  if (name === undefined) return undefined;
  const commandLine = readCommandLine(pid);
  const program = programName(name, commandLine);
  const command = withoutPadding(commandLine).replaceAll('\0', ' ');
  return { pid, name, ...(program === name ? {} : { program }), ...(command === '' ? {} : { command }) };
}

/** Returns the program, or the kernel's name of the process if the command line tells no more. */
export function shownName({ name, program = name }: Pick<HostProcess, 'name' | 'program'>): string {
  return program;
}
