import { counted, tally } from './counted.js';
import { printable } from './printable.js';
import { type Column, renderTable } from './table.js';
import { wrapText } from './wrap-text.js';

/** Returns a table of sockets whose last column is a reason, and below it each reason that was cut, with its sockets. */
export function renderReasons(
  columns: readonly (Column | string)[],
  rows: readonly (readonly string[])[],
  width: number,
): string {
  const table = renderTable(columns, rows, width);
  const cut = tally(rows.map((row) => row.at(-1) as string)).filter(([reason]) => !table.includes(printable(reason)));
  return [table, ...cut.map(([reason, many]) => wrapText(`${counted(many, 'socket')}: ${reason}`, width))].join('\n\n');
}
