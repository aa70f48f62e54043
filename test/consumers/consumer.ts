import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inject } from 'vitest';

const fixtures = path.join(import.meta.dirname, 'fixtures');

/** Makes the folder of a consumer, from a folder of `fixtures/`, a list of its files or texts by file name. Returns the folder. */
export function consumer(name: string, files: Readonly<Record<string, string | object>>): string {
  const folder = path.join(inject('consumersFolder'), name);
  mkdirSync(folder, { recursive: true });
  for (const [file, content] of Object.entries(files)) {
    if (typeof content === 'object') writeFileSync(path.join(folder, file), JSON.stringify(content));
    else cpSync(path.join(fixtures, content), path.join(folder, file), { recursive: true });
  }
  return folder;
}

/** Returns the path of a tool's program. */
export function tool(file: string): string {
  return path.join(import.meta.dirname, 'node_modules', file);
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Returns the environment of programs of users, with these variables. */
export function environment(variables: Readonly<Record<string, string>> = {}): Record<string, string | undefined> {
  const ofTests = /^(TCP_KEEPALIVE|NODE_|VITEST|TEST|CI$)/;
  const inherited = Object.entries(process.env).filter(([name]) => !ofTests.test(name));
  return { ...Object.fromEntries(inherited), ...variables };
}

/** Runs Node.js with these arguments in a folder, for at most four minutes. */
export function runNode(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = spawn(process.execPath, args, {
    cwd,
    env: environment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 240_000,
    killSignal: 'SIGKILL',
  });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...output }));
  });
}

/** Runs Node.js, which must succeed and print one JSON value. Returns the value. */
export async function printed<Result>(...run: Parameters<typeof runNode>): Promise<Result> {
  const { code, stdout, stderr } = await runNode(...run);
  if (code !== 0) throw new Error(`${run[1].join(' ')} ended with ${code}: ${stderr}${stdout}`);
  return JSON.parse(stdout) as Result;
}
