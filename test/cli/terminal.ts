import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { Terminal } from '@xterm/headless';
import { type Finished, finished, program } from './run-cli.js';

/** `tcp-keepalive` on a terminal. */
export interface OnTerminal {
  readonly child: ChildProcessWithoutNullStreams;
  readonly result: Promise<Finished>;
  /** What a person would see on the screen now, and whatever has left it upwards. */
  text(): Promise<string>;
}

/** Runs `tcp-keepalive` with arguments, none of which a shell would read otherwise, on a terminal of a size. */
export function onTerminal(cols: number, rows: number, ...args: string[]): OnTerminal {
  const command = `stty cols ${cols} rows ${rows}; exec ${process.execPath} ${program} ${args.join(' ')}`;
  const child = spawn('script', ['-qec', command, '/dev/null']);
  const screen = new Terminal({ cols, rows, allowProposedApi: true });
  child.stdout.on('data', (bytes) => screen.write(bytes));
  return {
    child,
    result: finished(child),
    async text() {
      await new Promise<void>((resolve) => screen.write('', resolve));
      const { active } = screen.buffer;
      const lines = Array.from({ length: active.length }, (_, row) => active.getLine(row)?.translateToString(true));
      return lines.join('\n');
    },
  };
}
