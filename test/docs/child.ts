import { spawn } from 'node:child_process';

/** How a program ended. */
export interface Outcome {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Standard output and standard error as they came. */
  readonly output: string;
  readonly timedOut: boolean;
}

export interface ChildOptions {
  readonly cwd: string;
  /** Added to this process's environment, without what Vitest put there. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** The exit codes with which the program has ended well. Default: 0 alone. */
  readonly exitCodes?: readonly number[];
}

export const programLimitMs = 60_000;

/** This process's environment as a user's shell would have it. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV$|NODE_OPTIONS$|TEST$)/.test(name));
  return Object.fromEntries(entries);
}

/** Ends a program that we started, and what it started. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The whole group has ended.
  }
}

/** Runs a program to its end, or to the time limit, and leaves nothing of it running. */
export function runChild(command: string, args: readonly string[], options: ChildOptions): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...plainEnvironment(), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let output = '';
    let timedOut = false;
    const collect = (chunk: string) => {
      output += chunk;
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    const limit = setTimeout(() => {
      timedOut = true;
      killGroup(child.pid);
    }, options.timeoutMs ?? programLimitMs);
    child.on('error', (error) => {
      clearTimeout(limit);
      reject(error);
    });
    child.on('exit', () => killGroup(child.pid));
    child.on('close', (exitCode, signal) => {
      clearTimeout(limit);
      resolve({ exitCode, signal, output, timedOut });
    });
  });
}

/** Runs a program that has to end well, and gives its output. */
export async function runToSuccess(command: string, args: readonly string[], options: ChildOptions): Promise<string> {
  const outcome = await runChild(command, args, options);
  const { exitCodes = [0] } = options;
  if (outcome.exitCode !== null && exitCodes.includes(outcome.exitCode) && !outcome.timedOut) return outcome.output;
  const end = outcome.timedOut ? 'did not end in time' : `ended with ${outcome.exitCode ?? outcome.signal}`;
  throw new Error(`${command} ${end}:\n${outcome.output}`);
}
