import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { nodeArguments } from './child.js';

/** Whether strace is there and may trace. */
export function hasStrace(): boolean {
  try {
    execFileSync('strace', ['-o', '/dev/null', process.execPath, '-e', '0'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Runs `use` with the path of a log file for strace, and gives the log. */
export async function withLog(use: (file: string) => unknown): Promise<string> {
  const directory = mkdtempSync(path.join(tmpdir(), 'tcp-keepalive-bench-'));
  try {
    const file = path.join(directory, 'log');
    await use(file);
    return readFileSync(file, 'utf8');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The socket option calls of a program in order, such as `'set TCP_KEEPIDLE'`. */
function optionCalls(log: string): string[] {
  const calls = log.matchAll(/\b([gs]et)sockopt\(\d+, \w+, (\w+)/g);
  return [...calls].map(([, verb, option]) => `${verb} ${option}`);
}

/** The socket option calls that one setting by a contestant in JavaScript makes. */
export async function callsOfSetting(name: string): Promise<string[]> {
  const log = await withLog((file) =>
    execFileSync(
      'strace',
      [
        '-f',
        '-e',
        'trace=setsockopt,getsockopt,write',
        '-o',
        file,
        process.execPath,
        ...nodeArguments('set-once.ts'),
        name,
      ],
      { stdio: 'ignore' },
    ),
  );
  return optionCalls(log.slice(log.indexOf('"begin'), log.indexOf('"end')));
}

/** The socket option calls that one iteration of the C program makes. */
export async function callsOfCProgram(binary: string): Promise<string[]> {
  const log = await withLog((file) =>
    execFileSync('strace', ['-e', 'trace=setsockopt,getsockopt', '-o', file, binary], { input: '1\n' }),
  );
  return optionCalls(log);
}
