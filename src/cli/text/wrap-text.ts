import { displayWidth } from './display-width.js';
import { printable } from './printable.js';

/** Lines longer than this are hard to read. */
export const widest = 100;

/** Breaks a text between words into lines no longer than `width`; a longer word has a line of its own. */
export function wrapText(text: string, width: number, indent = ''): string {
  const lines: string[] = [];
  // No line ends between a number and its unit.
  const words = printable(text).split(/(?<!\d) | (?!(?:ms|s|min|h|d)\b)/);
  for (const word of words) {
    const line = lines.at(-1);
    if (line === undefined) lines.push(word);
    else if (displayWidth(line) + 1 + displayWidth(word) > width) lines.push(indent + word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.join('\n');
}
