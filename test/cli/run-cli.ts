import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The built program, as a user runs it. */
export const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

// What runs the tests may ask for colours, or ask for none.
for (const name of ['FORCE_COLOR', 'NO_COLOR']) delete process.env[name];

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Waits for a child process and collects what it prints. */
export async function finished(child: ChildProcessWithoutNullStreams): Promise<Finished> {
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  return { code, stdout, stderr };
}

/** Runs `tcp-keepalive` with arguments. */
export function runCli(...args: string[]): Promise<Finished> {
  return finished(spawn(process.execPath, [program, ...args]));
}
