import { createRequire } from 'node:module';
import type stringWidth from 'string-width';
import { isPlain, printable } from './printable.js';

/** A column of a table. */
export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** The width that it may be shortened to; without one it keeps its full width. */
  readonly least?: number;
  /** Columns with a lower number are dropped before others; those without one never. */
  readonly worth?: number;
  /** Shortened only when nothing is left to drop. */
  readonly isLastResort?: true;
  /** Makes a text fit a width; by default its end is cut. */
  readonly shorten?: (text: string, width: number) => string;
}

/** Loaded for the first text that is not plain: its `Intl.Segmenter` takes longer to make than a short list. */
let loadedWidth: { readonly default: typeof stringWidth } | undefined;

/** Returns the columns that a text takes on a terminal. */
export function displayWidth(text: string): number {
  if (isPlain(text)) return text.length;
  loadedWidth ??= createRequire(import.meta.url)('string-width') as NonNullable<typeof loadedWidth>;
  return loadedWidth.default(text);
}

let segmenter: Intl.Segmenter | undefined;

function characters(text: string): string[] {
  if (isPlain(text)) return [...text];
  segmenter ??= new Intl.Segmenter();
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** As many of the characters as fit the width. */
function takeWidth(from: readonly string[], width: number): string[] {
  const taken: string[] = [];
  let used = 0;
  for (const character of from) {
    used += displayWidth(character);
    if (used > width) break;
    taken.push(character);
  }
  return taken;
}

/** Cuts the end of a text to fit: `postgr…`. */
export function cutEnd(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width < 1) return '';
  return `${takeWidth(characters(text), width - 1).join('')}…`;
}

/** Cuts the middle of a text to fit: `2001:d…::17`. */
export function cutMiddle(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width < 1) return '';
  const all = characters(text);
  const head = takeWidth(all, Math.ceil((width - 1) / 2));
  const tail = takeWidth(all.slice(head.length).reverse(), width - 1 - displayWidth(head.join('')));
  return `${head.join('')}…${tail.reverse().join('')}`;
}

/** Shortens what comes before the last `mark`, and keeps the rest: the port of an address, the number of a process. */
export function keepingTail(mark: string, cut: (text: string, width: number) => string) {
  return (text: string, width: number): string => {
    const at = text.lastIndexOf(mark);
    const tail = at === -1 ? '' : text.slice(at);
    const left = width - displayWidth(tail);
    return left < 2 ? cutEnd(text, width) : cut(text.slice(0, text.length - tail.length), left) + tail;
  };
}

const gap = 2;

const total = (widths: readonly number[]) =>
  widths.reduce((sum, width) => sum + width, 0) + gap * Math.max(0, widths.length - 1);

interface Fitted {
  readonly column: Column;
  /** Where its cells are in a row. */
  readonly index: number;
  readonly natural: number;
  readonly least: number;
}

function measure(columns: readonly Column[], rows: readonly (readonly string[])[]): Fitted[] {
  return columns.map((column, index) => {
    let natural = displayWidth(column.title);
    for (const row of rows) natural = Math.max(natural, displayWidth(row[index] as string));
    const least = column.least ?? natural;
    return { column, index, natural, least: Math.min(natural, Math.max(least, displayWidth(column.title))) };
  });
}

/** Keeps the columns that may not go, and of the others, the most worth first, those for which there is room. */
function keepColumns(fitted: readonly Fitted[], width: number): Fitted[] {
  const needed = (columns: readonly Fitted[]) =>
    total(columns.map(({ column, natural, least }) => (column.isLastResort ? natural : least)));
  let kept = fitted.filter(({ column }) => column.worth === undefined);
  const others = fitted.filter(({ column }) => column.worth !== undefined);
  for (const other of others.sort((a, b) => (b.column.worth ?? 0) - (a.column.worth ?? 0))) {
    if (needed([...kept, other]) <= width) kept = [...kept, other];
  }
  return kept.sort((a, b) => a.index - b.index);
}

/** Gives each column its least width and what is left of the line to those that lack most, the last resort first. */
function shareWidth(kept: readonly Fitted[], width: number): number[] {
  const widths = kept.map(({ least }) => least);
  let spare = width - total(widths);
  for (const isLastResort of [true, false]) {
    const wanting = () =>
      kept.flatMap(({ column, natural }, at) =>
        (column.isLastResort ?? false) === isLastResort && (widths[at] as number) < natural ? [at] : [],
      );
    for (let short = wanting(); spare > 0 && short.length > 0; short = wanting()) {
      for (const at of short.slice(0, spare)) widths[at] = (widths[at] as number) + 1;
      spare -= Math.min(spare, short.length);
    }
  }
  return widths;
}

/**
 * Returns rows laid out under their columns' titles, in lines no longer than `width`. Makes every cell printable.
 *
 * Where lines are too long, columns are shortened to what they can bear, then dropped; by default all is shown.
 */
export function renderTable(
  columns: readonly (Column | string)[],
  rows: readonly (readonly string[])[],
  width = Number.POSITIVE_INFINITY,
): string {
  const titled = columns.map((column) => (typeof column === 'string' ? { title: column } : column));
  const cells = rows.map((row) => row.map(printable));
  const kept = keepColumns(measure(titled, cells), width);
  const widths = width === Number.POSITIVE_INFINITY ? kept.map(({ natural }) => natural) : shareWidth(kept, width);
  const lay = (row: readonly string[]) => {
    let line = '';
    kept.forEach(({ column, index }, at) => {
      const space = widths[at] as number;
      const cell = row[index] as string;
      const text = displayWidth(cell) > space ? (column.shorten ?? cutEnd)(cell, space) : cell;
      const padding = ' '.repeat(Math.max(0, space - displayWidth(text)));
      line += (at === 0 ? '' : ' '.repeat(gap)) + (column.align === 'right' ? padding + text : text + padding);
    });
    return cutEnd(line.trimEnd(), width);
  };
  return [titled.map(({ title }) => title), ...cells].map(lay).join('\n');
}

/** Breaks a text between words into lines no longer than `width`; a longer word has a line of its own. */
export function wrapText(text: string, width: number, indent = ''): string {
  const lines: string[] = [];
  for (const word of printable(text).split(' ')) {
    const line = lines.at(-1);
    if (line === undefined) lines.push(word);
    else if (displayWidth(line) + 1 + displayWidth(word) > width) lines.push(indent + word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.join('\n');
}
