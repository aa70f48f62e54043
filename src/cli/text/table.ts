import { type Paint, plain, type Tone } from './colour.js';
import { displayWidth } from './display-width.js';
import { isPlain, printable } from './printable.js';

/** A column of a table. */
export interface Column {
  readonly title: string;
  /** A shorter title, for lines that have no room for the title. */
  readonly shortTitle?: string;
  readonly align?: 'right';
  /** The width that it may be shortened to; without one it keeps its full width. */
  readonly least?: number;
  /** Columns with a lower number are dropped before others; those without one only by `rank`. */
  readonly worth?: number;
  /** The order in which the columns without `worth` are dropped once they do not fit even shortened; without one never. */
  readonly rank?: number;
  /** Shortened only when nothing is left to drop. */
  readonly isLastResort?: true;
  /** Makes a text fit a width; by default its end is cut. */
  readonly shorten?: (text: string, width: number) => string;
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

/** The colours of a table. */
export interface TableColours {
  readonly paint: Paint;
  /** Returns the tone of a cell. */
  tone(row: number, column: Column): Tone | undefined;
}

interface Fitted {
  readonly column: Column;
  readonly title: string;
  /** Where its cells are in a row. */
  readonly index: number;
  readonly natural: number;
  readonly least: number;
}

/** Returns the widths of a column under one of its titles. */
function measured(column: Column, index: number, title: string, rows: readonly (readonly string[])[]): Fitted {
  let natural = displayWidth(title);
  for (const row of rows) natural = Math.max(natural, displayWidth(row[index] as string));
  const least = column.least ?? natural;
  return { column, index, title, natural, least: Math.min(natural, Math.max(least, displayWidth(title))) };
}

const leastTotal = (fitted: readonly Fitted[]) => total(fitted.map(({ least }) => least));

/** Drops columns by rank until the others fit. */
function dropByRank(fitted: readonly Fitted[], width: number): Fitted[] {
  let kept = [...fitted];
  const ranked = kept.filter(({ column }) => column.rank !== undefined);
  for (const next of ranked.sort((a, b) => (a.column.rank ?? 0) - (b.column.rank ?? 0))) {
    if (leastTotal(kept) <= width) break;
    kept = kept.filter((other) => other !== next);
  }
  return kept;
}

/** Keeps the columns that may not go, and of the others, the most worth first, those for which there is room. */
function keepColumns(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): Fitted[] {
  const needed = (fitted: readonly Fitted[]) =>
    total(fitted.map(({ column, natural, least }) => (column.isLastResort ? natural : least)));
  const all = columns.map((column, index) => measured(column, index, column.title, rows));
  let kept = dropByRank(
    all.filter(({ column }) => column.worth === undefined),
    width,
  );
  const others = all.filter(({ column }) => column.worth !== undefined);
  for (const other of others.sort((a, b) => (b.column.worth ?? 0) - (a.column.worth ?? 0))) {
    const { column, index } = other;
    const short = column.shortTitle === undefined ? [] : [measured(column, index, column.shortTitle, rows)];
    const fitting = [other, ...short].find((candidate) => needed([...kept, candidate]) <= width);
    if (fitting !== undefined) kept = [...kept, fitting];
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

/** Returns a cell in a space, aligned; `left` columns of the line are left. */
function placeCell(text: string, space: number, left: number, { shorten = cutEnd, align }: Column) {
  const natural = displayWidth(text);
  const content = natural > space ? shorten(text, space) : text;
  const padding = Math.max(0, space - (content === text ? natural : displayWidth(content)));
  const [before, after] = align === 'right' ? [padding, 0] : [0, padding];
  if (left >= space) return { before, content, after };
  const cut = cutEnd(' '.repeat(before) + content + ' '.repeat(after), Math.max(0, left)).trimEnd();
  return { before: cut.length - cut.trimStart().length, content: cut.trimStart(), after: 0 };
}

/** Lays out a line of cells, which is cut to a width. */
function layLine(
  kept: readonly Fitted[],
  widths: readonly number[],
  width: number,
  cells: { text(fitted: Fitted): string; paint(text: string, column: Column): string },
): string {
  let line = '';
  let spaces = 0;
  let left = width;
  kept.forEach((fitted, at) => {
    const space = widths[at] as number;
    const { before, content, after } = placeCell(cells.text(fitted), space, left, fitted.column);
    spaces += before;
    if (content !== '') {
      line += ' '.repeat(spaces) + cells.paint(content, fitted.column);
      spaces = 0;
    }
    spaces += after + gap;
    left -= space + gap;
  });
  return line.trimEnd();
}

const printableRows = (rows: readonly (readonly string[])[]) => rows.map((row) => row.map(printable));

const titledColumns = (columns: readonly (Column | string)[]) =>
  columns.map((column) => (typeof column === 'string' ? { title: column } : column));

/** Returns the columns that {@link renderTable} shows in lines no longer than `width`. */
export function shownColumns(
  columns: readonly (Column | string)[],
  rows: readonly (readonly string[])[],
  width: number,
): readonly Column[] {
  if (width === Number.POSITIVE_INFINITY) return titledColumns(columns);
  return keepColumns(titledColumns(columns), printableRows(rows), width).map(({ column }) => column);
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
  { paint, tone }: TableColours = { paint: plain, tone: () => undefined },
): string {
  const cells = printableRows(rows);
  const kept = keepColumns(titledColumns(columns), cells, width);
  const widths = width === Number.POSITIVE_INFINITY ? kept.map(({ natural }) => natural) : shareWidth(kept, width);
  const head = layLine(kept, widths, width, { text: ({ title }) => title, paint: (text) => text });
  const body = cells.map((row, at) =>
    layLine(kept, widths, width, {
      text: ({ index }) => row[index] as string,
      paint: (text, column) => paint(text, tone(at, column)),
    }),
  );
  return [head, ...body].join('\n');
}
