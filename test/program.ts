import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const projectFolder = fileURLToPath(new URL('..', import.meta.url));

/**
 * Runs a TypeScript program in a process of its own and gives what it printed, read as JSON.
 *
 * `prefix` is the command that starts it, such as `['unshare', '--net']`. A program that takes longer than
 * `withinMs` is killed.
 */
export async function runProgram<Result>(program: URL, args: string[] = [], prefix: string[] = [], withinMs = 110_000) {
  const [command = '', ...rest] = [...prefix, process.execPath, '--import', 'tsx', fileURLToPath(program), ...args];
  const child = spawn(command, rest, {
    cwd: projectFolder,
    stdio: ['ignore', 'pipe', 'pipe'],
    // tsx would otherwise write its cache while the program runs, which shows in a count of descriptors.
    env: { ...process.env, TSX_DISABLE_CACHE: '1' },
  });
  const killer = setTimeout(() => child.kill('SIGKILL'), withinMs);
  let output = '';
  let complaints = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  child.stderr.on('data', (text) => {
    complaints += text;
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...how) => resolve(how));
  });
  clearTimeout(killer);
  if (code !== 0) throw new Error(`${fileURLToPath(program)} ended with ${signal ?? code}: ${complaints}${output}`);
  return JSON.parse(output) as Result;
}

/**
 * The command that runs a program in a network namespace of its own, with the loopback device up, or `undefined`
 * where that is not permitted.
 */
export function ownNetwork(): string[] | undefined {
  const script = 'ip link set lo up && exec "$@"';
  for (const unshare of [
    ['unshare', '--net'],
    ['unshare', '--user', '--map-root-user', '--net'],
  ]) {
    const prefix = [...unshare, 'sh', '-c', script, 'sh'];
    const [command = '', ...rest] = prefix;
    if (spawnSync(command, [...rest, 'true']).status === 0) return prefix;
  }
  return undefined;
}
