import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A network namespace that lasts until its input ends, which is no later than this process does. */
export async function namespace(): Promise<ChildProcess> {
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up && echo here && exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [text] = await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit')]);
  if (String(text) !== 'here\n') throw new Error('the network namespace could not be made');
  return holder;
}

/** Ends network namespaces, and waits until each has gone. */
export async function endNamespaces(holders: readonly ChildProcess[]): Promise<void> {
  for (const holder of holders) {
    if (holder.exitCode !== null || holder.signalCode !== null) continue;
    holder.stdin?.end();
    await once(holder, 'exit');
  }
}

/** Returns the start of a command that runs a program in a network namespace. */
export function inside(holder: ChildProcess): string[] {
  return ['nsenter', '--target', String(holder.pid), '--net', '--'];
}

/** Runs a script of the shell in a network namespace. */
export async function runInside(holder: ChildProcess, script: string): Promise<void> {
  const [command = '', ...args] = inside(holder);
  await run(command, [...args, 'sh', '-ec', script]);
}
