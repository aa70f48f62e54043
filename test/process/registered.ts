import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** How `tcp-keepalive/register` is loaded. */
export const register = ['--import', 'tcp-keepalive/register'] as const;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

export interface Launch {
  /** Variables that come instead of those of this process, which are passed on but for TCP_KEEPALIVE ones. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Before the program; loads register unless stated. */
  readonly options?: readonly string[];
  /** After which the program is killed; a minute unless stated. */
  readonly limitMs?: number;
}

/** Starts Node.js with a program of `programs/`, or with other arguments. */
export function start(args: readonly string[], launch: Launch = {}): Started {
  const { env = {}, cwd = root, options = register, limitMs = 60_000 } = launch;
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(TCP_KEEPALIVE|NODE_OPTIONS|NODE_DEBUG|VITEST)/.test(name),
  );
  const child = spawn(process.execPath, [...options, ...args], {
    cwd,
    env: { ...Object.fromEntries(own), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const killer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (text) => {
    stdout += text;
  });
  child.stderr?.on('data', (text) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(killer);
      resolve({ code, stdout, stderr });
    });
  });
  return { child, ended };
}

/** The path of one of `programs/`. */
export function program(name: string): string {
  return fileURLToPath(new URL(`programs/${name}`, import.meta.url));
}

/** Runs a program of `programs/` to its end and gives what it printed, read as JSON. */
export async function run<Result>(name: string, launch: Launch = {}): Promise<Result> {
  const { code, stdout, stderr } = await start([program(name)], launch).ended;
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${stderr}${stdout}`);
  return JSON.parse(stdout) as Result;
}
