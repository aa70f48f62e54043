import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { runToSuccess } from './child.js';
import type { Scratch } from './scratch.js';

/** The keepalive calls of a server: each as `TCP_KEEPIDLE 30`, in their order. */
export interface KeepAliveCalls {
  readonly listener: readonly string[];
  /** One entry for each connection that was accepted. */
  readonly accepted: readonly (readonly string[])[];
}

/** Whether strace is there; says why not on the console. */
export function hasStrace(): boolean {
  if (spawnSync('strace', ['-V']).status === 0) return true;
  const reason = 'strace is not installed';
  if (process.env['CI']) throw new Error(`${reason}, and in CI no test is left out`);
  console.warn(`${reason}: the system calls of the servers are not compared`);
  return false;
}

const options = 'SO_KEEPALIVE|TCP_KEEPIDLE|TCP_KEEPINTVL|TCP_KEEPCNT|TCP_USER_TIMEOUT';
const listens = /\blisten\((?<fd>\d+),/;
const accepts = /\baccept4(?: resumed>|\().*\)\s*= (?<fd>\d+)$/;
const sets = new RegExp(`\\bsetsockopt\\((?<fd>\\d+), \\w+, (?<option>${options}), \\[(?<value>\\d+)\\]`);

/** Reads the calls off strace's output. Only those on the listener, and on what it accepted, count. */
export function readTrace(trace: string): KeepAliveCalls {
  const listener: string[] = [];
  const accepted: string[][] = [];
  const callsOf = new Map<string, string[]>();
  const early = new Map<string, string[]>();
  for (const line of trace.split('\n')) {
    const listening = listens.exec(line)?.groups?.['fd'];
    if (listening !== undefined) {
      listener.push(...(early.get(listening) ?? []));
      callsOf.set(listening, listener);
    }
    const fd = accepts.exec(line)?.groups?.['fd'];
    if (fd !== undefined) {
      accepted.push([]);
      callsOf.set(fd, accepted.at(-1) as string[]);
    }
    const call = sets.exec(line)?.groups;
    if (call === undefined) continue;
    const of = call['fd'] as string;
    // What is set on a socket before it listens belongs to the listener as well.
    const calls = callsOf.get(of) ?? early.get(of) ?? [];
    if (!callsOf.has(of)) early.set(of, calls);
    calls.push(`${call['option']} ${call['value']}`);
  }
  return { listener, accepted };
}

/** Runs a server under strace until it ends, and gives its keepalive calls. */
export async function traceServer(command: string, args: readonly string[], cwd: string, scratch: Scratch) {
  const file = path.join(scratch.subdirectory(), 'trace');
  const trace = ['-f', '-o', file, '-e', 'trace=listen,accept4,setsockopt', '-e', 'signal=none'];
  await runToSuccess('strace', [...trace, command, ...args], { cwd });
  return readTrace(readFileSync(file, 'utf8'));
}
