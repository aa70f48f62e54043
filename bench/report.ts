/** What a benchmark gives: data for the JSON file, and the same data as text. */
export interface Report {
  readonly data: object;
  readonly text: string;
}

/** A figure that a benchmark must reach, and whether it did. */
export interface Target {
  readonly what: string;
  readonly measured: number;
  readonly wanted: string;
  readonly met: boolean;
}

export function atMost(what: string, measured: number, limit: number): Target {
  return { what, measured, wanted: `<= ${limit}`, met: measured <= limit };
}

export function atLeast(what: string, measured: number, limit: number): Target {
  return { what, measured, wanted: `>= ${limit}`, met: measured >= limit };
}

/** Lines up columns: the first to the left, the others to the right. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const renderRow = (row: readonly string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)));
  return rows.map((row) => renderRow(row).join('  ').trimEnd()).join('\n');
}

export function renderTargets(targets: readonly Target[]): string {
  return targets
    .map(({ what, measured, wanted, met }) => `${met ? 'met   ' : 'MISSED'} ${what} ${wanted}: ${measured.toFixed(3)}`)
    .join('\n');
}

const screenWidth = 80;

/** Breaks text between words so that it fits the screen, later lines indented. */
export function wrap(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > screenWidth) {
      lines.push(line);
      line = `  ${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}
