import { emitKeypressEvents } from 'node:readline';
import { isatty, type ReadStream } from 'node:tty';
import { printPainted } from './output.js';

/** A key as `readline` reports it. */
export interface Key {
  /** What was typed; undefined for a key such as an arrow. */
  readonly text: string | undefined;
  readonly name: string | undefined;
  readonly isControl: boolean;
}

export interface ScreenEvents {
  /** A key was pressed. */
  key(key: Key): void;
  /** The lines must be made again: the window has another size, or the program goes on after a stop. */
  redraw(): void;
}

const ending = ['SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
const clearBelow = '\u001b[J';
const clearLine = '\u001b[2K';
const toCell = (row: number, column = 1) => `\u001b[${row};${column}H`;

/**
 * Draws lines in the window of the terminal, over the lines that were drawn before, and reads keys.
 *
 * Uses no alternate screen and does not hide the cursor, so that a killed program leaves the terminal in raw mode at worst.
 * What was on the screen before is scrolled up, and the last lines stay on the screen.
 *
 * Node.js leaves raw mode at each exit but the one by a signal without a handler: the signals that end a program have one.
 */
export class TerminalScreen {
  /** Whether keys can be read: standard input is a terminal. */
  readonly hasKeys: boolean;
  readonly #events: ScreenEvents;
  readonly #input: ReadStream | undefined;
  #drawn: readonly string[] = [];
  /** What stands in the window: other output, which is scrolled up; lines that are in the wrong places; the drawn lines. */
  #window: 'foreign' | 'displaced' | 'drawn' = 'foreign';

  constructor(events: ScreenEvents) {
    this.#events = events;
    this.hasKeys = isatty(0);
    this.#input = this.hasKeys ? process.stdin : undefined;
    if (this.#input !== undefined) emitKeypressEvents(this.#input);
    // A terminal that is gone is reported by the next write.
    this.#input?.on('error', () => {}).on('keypress', this.#pressed);
    process.stdout.on('error', () => {}).on('resize', this.#resized);
    for (const signal of ending) process.on(signal, this.#ended);
    process.on('SIGTSTP', this.#stopped).on('SIGCONT', this.#continued);
    this.#setRawMode();
    this.#input?.resume();
  }

  /** The size of the window; 80 x 24 where the terminal does not tell. */
  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 };
  }

  /** Draws lines that fit the window. Writes only the lines that have changed. */
  draw(lines: readonly string[]): void {
    const { columns, rows } = this.size;
    const isWhole = this.#window !== 'drawn';
    const scrolled = this.#window === 'foreign' ? '\n'.repeat(rows) : '';
    const changed = lines.flatMap((line, at) =>
      isWhole || line !== this.#drawn[at] ? [`${toCell(at + 1)}${clearLine}${line}`] : [],
    );
    const isShorter = isWhole || lines.length < this.#drawn.length;
    const rest = isShorter && lines.length < rows ? `${toCell(lines.length + 1)}${clearBelow}` : '';
    printPainted(`${scrolled}${changed.join('')}${rest}${toCell(Math.min(lines.length, rows), columns)}`);
    this.#drawn = lines;
    this.#window = 'drawn';
  }

  /** Restores the terminal. The drawn lines stay, with the cursor below. */
  close(): void {
    process.stdout.off('resize', this.#resized);
    for (const signal of ending) process.off(signal, this.#ended);
    process.off('SIGTSTP', this.#stopped).off('SIGCONT', this.#continued);
    this.#input?.off('keypress', this.#pressed);
    this.#leave();
    this.#input?.pause();
  }

  /** Sets raw mode, also where a shell has changed the mode while this program was stopped, which libuv does not know. */
  #setRawMode(): void {
    this.#input?.setRawMode(false).setRawMode(true);
  }

  #leave(): void {
    this.#input?.setRawMode(false);
    if (this.#window === 'drawn') printPainted('\n');
    this.#window = 'foreign';
  }

  readonly #pressed = (
    text: string | undefined,
    { name, ctrl = false }: { name?: string | undefined; ctrl?: boolean },
  ) => {
    // 0 is every process of the job, as where the terminal itself makes the signal.
    if (ctrl && name === 'z') this.#suspend(0);
    else this.#events.key({ text, name, isControl: ctrl });
  };

  readonly #resized = () => {
    this.#window = 'displaced';
    this.#events.redraw();
  };

  readonly #ended = (signal: NodeJS.Signals) => {
    this.close();
    process.kill(process.pid, signal);
  };

  readonly #stopped = () => this.#suspend(process.pid);

  readonly #continued = () => {
    this.#setRawMode();
    this.#window = 'foreign';
    this.#events.redraw();
  };

  /** Stops with the terminal restored. Without a shell to continue the job the kernel ignores the signal. */
  #suspend(pid: number): void {
    this.#leave();
    process.off('SIGTSTP', this.#stopped).off('SIGCONT', this.#continued);
    process.kill(pid, 'SIGTSTP');
    process.on('SIGTSTP', this.#stopped).on('SIGCONT', this.#continued);
    this.#continued();
  }
}
