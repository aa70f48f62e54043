import { writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import type { Omission } from '../../host/list/connection.js';
import { pause } from '../../native/pause.js';
import { incompleteLines } from '../text/incomplete.js';
import { printable, printableJson, printableLines } from '../text/printable.js';
import { wrapText } from '../text/wrap-text.js';

const standardOutput = 1;
const standardError = 2;

/** How standard output ended: `closed` by its reader, such as `head`, or `failed`, such as on a full disk. */
let end: 'closed' | 'failed' | undefined;

const betweenAttemptsMs = 5;

/**
 * Writes a whole text. Does not use the streams of `process`: they report failures later, as events, and set O_NONBLOCK on
 * the pipe for every process. If another process has set O_NONBLOCK, the pipe may have no room for a while.
 */
function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      pause(betweenAttemptsMs);
    }
  }
}

function write(text: string): void {
  if (end !== undefined || text === '') return;
  try {
    writeAll(standardOutput, text);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    end = code === 'EPIPE' || code === 'ECONNRESET' ? 'closed' : 'failed';
    if (end === 'failed') printMessage(`the output could not be written: ${message}`);
  }
}

/** Prints text for people. Does nothing once the reader is gone or a write has failed. */
export function print(text: string): void {
  write(printableLines(text));
}

/** Prints text that is printable already and may have colours, under the same conditions as {@link print}. */
export function printPainted(text: string): void {
  write(text);
}

/** Prints the text of JSON under the same conditions as {@link print}. */
export function printJsonText(json: string): void {
  write(printableJson(json));
}

/** Prints a value as JSON, as {@link printJsonText} does. */
export function printJson(value: unknown): void {
  printJsonText(`${JSON.stringify(value, null, 2)}\n`);
}

/** Prints text on standard error. Ignores a failure, which could not be reported anywhere. */
export function printError(text: string): void {
  try {
    writeAll(standardError, printableLines(text));
  } catch {
    // The work goes on.
  }
}

/** Prints an error, a warning or another message on standard error: in one line, or wrapped on a terminal. */
export function printMessage(message: string): void {
  const text = `tcp-keepalive: ${message}`;
  printError(`${isatty(standardError) ? wrapText(text, process.stderr.columns || 80) : printable(text)}\n`);
}

/**
 * Draws one line on the terminal that standard error is, over the line that was drawn before; an empty text removes that line.
 * Does nothing where standard error is something else, or cannot move its cursor.
 */
export function drawStatus(text: string): void {
  if (!isatty(standardError) || process.env['TERM'] === 'dumb') return;
  const line = printable(text).slice(0, (process.stderr.columns || 80) - 1);
  try {
    writeAll(standardError, `\r${line}\u001b[K`);
  } catch {
    // The work goes on.
  }
}

/** Prints what could not be shown, and why. */
export function printIncomplete(omissions: readonly Omission[]): void {
  for (const line of incompleteLines(omissions)) printMessage(line);
}

/** Returns whether the output still has a reader, as far as the last write showed. */
export function hasReader(): boolean {
  return end === undefined;
}

/** Returns the exit code of a verb that only shows: 1 if its output was lost, as on a full disk. */
export function shownExitCode(code = 0): number {
  return end === 'failed' ? 1 : code;
}

/** The width to fit: the terminal's, or no limit where the output is something else. Some terminals say 0. */
export function outputWidth(): number {
  return isatty(standardOutput) ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY;
}

/** Returns standard output for code that draws in place and moves the cursor itself. The text must be printable already. */
export function drawingOutput(): NodeJS.WriteStream {
  const stream = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      write(text);
      done();
    },
  });
  const isTTY = isatty(standardOutput);
  const size = (side: 'columns' | 'rows') => ({ get: () => (isTTY ? process.stdout[side] : undefined) });
  Object.defineProperties(stream, { isTTY: { value: isTTY }, columns: size('columns'), rows: size('rows') });
  return stream as unknown as NodeJS.WriteStream;
}
