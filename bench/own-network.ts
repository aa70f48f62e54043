import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { nodeArguments } from './child.js';

const prefix = ['--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];

/**
 * Runs a module of this folder in a network namespace of its own, where there are no sockets but those it makes, and
 * gives the JSON that it prints.
 */
export async function runInOwnNetwork<Result>(module: string): Promise<Result> {
  const command = [...prefix, process.execPath, ...nodeArguments(module)];
  const child = spawn('unshare', command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (code !== 0) {
    const needs = 'root: a network namespace, CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE';
    throw new Error(`${module} ended with ${signal ?? code}; what is above says why, or it needs ${needs}`);
  }
  return JSON.parse(output) as Result;
}
