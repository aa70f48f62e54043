import { isatty } from 'node:tty';

/** The width to fit: the terminal's, or no limit where the output is something else. Some terminals say 0. */
export function outputWidth(): number {
  return isatty(1) ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY;
}
