import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** The C program of the floor, which answers iteration counts with nanoseconds per operation. */
export interface CProgram {
  run(iterations: number): Promise<number>;
  [Symbol.asyncDispose](): Promise<void>;
}

const source = fileURLToPath(new URL('set-options.c', import.meta.url));

/** Compiles the C program, runs `use` with the path of the binary, and removes it. */
export async function withCompiled<Result>(use: (binary: string) => Promise<Result>): Promise<Result> {
  const directory = mkdtempSync(path.join(tmpdir(), 'tcp-keepalive-bench-'));
  try {
    const binary = path.join(directory, 'set-options');
    execFileSync('cc', ['-O2', '-o', binary, source]);
    return await use(binary);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Whether there is a C compiler. */
export function hasCompiler(): boolean {
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export function startCProgram(binary: string): CProgram {
  const child: ChildProcess & { stdin: Writable; stdout: Readable } = spawn(binary, {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async run(iterations) {
      child.stdin.write(`${iterations}\n`);
      const { value } = await lines.next();
      if (value === undefined) throw new Error('the C program ended early');
      return Number(value);
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}
