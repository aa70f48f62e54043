import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { Terminal } from '@xterm/headless';
import { expect, vi } from 'vitest';
import { type Finished, finished, program } from './run-cli.js';

/** A command on a terminal. */
export interface OnTerminal {
  readonly child: ChildProcessWithoutNullStreams;
  readonly result: Promise<Finished>;
  /** What a person would see on the screen now, and whatever has left it upwards. */
  text(): Promise<string>;
  /** The lines of the window now. */
  window(): Promise<string[]>;
  /** Waits until the screen, with whatever has left it upwards, matches. */
  shows(what: RegExp): Promise<void>;
  /** Types on the keyboard. */
  type(keys: string): void;
  /** Gives the window another size. */
  resize(cols: number, rows: number): void;
  /** The process that the terminal was opened for. */
  pid(): number;
}

/** A test that fails does not end its command. */
const running = new Set<ChildProcessWithoutNullStreams>();
process.once('exit', () => {
  for (const child of running) child.kill();
});

/** Runs a command of bash on a terminal of a size. */
export function shellOnTerminal(cols: number, rows: number, command: string): OnTerminal {
  const args = ['-qec', `stty cols ${cols} rows ${rows}; ${command}`, '/dev/null'];
  const child = spawn('script', args, { env: { ...process.env, SHELL: '/bin/bash' } });
  running.add(child);
  child.once('close', () => running.delete(child));
  const screen = new Terminal({ cols, rows, allowProposedApi: true });
  child.stdout.on('data', (bytes) => screen.write(bytes));
  const lines = async (first: number) => {
    await new Promise<void>((resolve) => screen.write('', resolve));
    const { active } = screen.buffer;
    return Array.from({ length: active.length - first }, (_, row) => {
      return active.getLine(first + row)?.translateToString(true) ?? '';
    });
  };
  const text = async () => (await lines(0)).join('\n');
  const pid = () => Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ')[0]);
  return {
    child,
    result: finished(child),
    text,
    window: () => lines(screen.buffer.active.baseY),
    shows: (what) => vi.waitFor(async () => expect(await text()).toMatch(what), { timeout: 30_000, interval: 50 }),
    type: (keys) => void child.stdin.write(keys),
    resize(newCols, newRows) {
      screen.resize(newCols, newRows);
      const size = ['cols', `${newCols}`, 'rows', `${newRows}`];
      spawnSync('stty', ['-F', readlinkSync(`/proc/${pid()}/fd/0`), ...size]);
    },
    pid,
  };
}

/** Runs `tcp-keepalive` with arguments, none of which a shell would read otherwise, on a terminal of a size. */
export function onTerminal(cols: number, rows: number, ...args: string[]): OnTerminal {
  return shellOnTerminal(cols, rows, `exec ${process.execPath} ${program} ${args.join(' ')}`);
}
