import type { ChildProcess } from 'node:child_process';

/** Resolves with what a child prints first; rejects, with its standard error, if it ends before. */
export function firstOutput(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let stderr = '';
    child.stderr?.on('data', (text) => {
      stderr += text;
    });
    child.stdout?.once('data', (text) => resolve(String(text)));
    child.once('error', reject);
    child.once('close', (code, signal) =>
      reject(new Error(`it ended (${code ?? signal}) and printed nothing: ${stderr}`)),
    );
  });
}
