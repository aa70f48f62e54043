import { hostname } from 'node:os';
import { groupListed } from '../../../host/list/group-facts.js';
import type { Grouping } from '../../../host/list/groups.js';
import type { Listing } from '../../../host/list/listing.js';
import { sortRows } from '../../../host/list/order.js';
import type { Paint } from '../../text/colour.js';
import { displayWidth } from '../../text/display-width.js';
import { incompleteLines } from '../../text/incomplete.js';
import { printable } from '../../text/printable.js';
import { cutEnd } from '../../text/table.js';
import { shownOmissions } from './shown-omissions.js';
import { renderConnections, renderGroups, renderSummary } from './text.js';
import { type View, viewedRows, viewLine } from './view.js';

/** One list at one moment, and how to show it. */
export interface Frame {
  readonly listing: Listing;
  readonly at: Date;
  readonly view: View;
  readonly group: Grouping | undefined;
  /** The arguments of `ls`. */
  readonly args: readonly string[];
  readonly paint: Paint;
}

/** Returns local time: `2026-11-27 17:13:46`. */
function timeText(at: Date): string {
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19).replace('T', ' ');
}

/** Returns the first line: the time, the machine and the arguments. */
function headLine({ at, args }: Frame): string {
  const command = args.map((arg) => (/^[\w./:,*?@=%+-]+$/.test(arg) ? arg : `'${arg}'`)).join(' ');
  return printable(`${timeText(at)}  ${hostname()}  ls ${command}`.trimEnd());
}

/** The rows of a table, in order. */
interface Body {
  readonly length: number;
  render(most: number, width: number): string[];
}

function bodyOf({ listing, view, group, paint }: Frame): Body {
  const viewed = viewedRows(listing.rows, view);
  if (group === undefined) {
    const rows = sortRows(viewed, view.sort);
    return {
      length: rows.length,
      render: (most, width) => renderConnections(rows.slice(0, most), width, paint).split('\n'),
    };
  }
  const groups = groupListed(viewed, group);
  return {
    length: groups.length,
    render: (most, width) => renderGroups(groups.slice(0, most), group, width, paint).split('\n'),
  };
}

/** Returns a frame of every row, for a pipe or a file. */
export function wholeFrame(frame: Frame): string {
  const { listing, paint, group } = frame;
  const table = bodyOf(frame).render(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
  const lines = [
    headLine(frame),
    ...table,
    '',
    renderSummary(listing, paint),
    ...incompleteLines(shownOmissions(listing, group)),
  ];
  return `${lines.join('\n')}\n\n`;
}

export interface WindowSize {
  readonly columns: number;
  readonly rows: number;
}

/** In a window of fewer lines there is no head, no gap, no warning and only one line of the summary. */
const roomyRows = 10;

/** Returns the table's lines in a window that has room for `room` of them, with the number of the rows that do not fit. */
function tableWithin(frame: Frame, columns: number, room: number): string[] {
  if (room < 2) return [];
  const body = bodyOf(frame);
  if (body.length < room || room === 2) return body.render(room - 1, columns);
  const most = room - 2;
  return [...body.render(most, columns), cutEnd(`${body.length - most} more`, columns)];
}

/** Returns the summary in lines that fit. A line that is cut has no colours: a cut could separate a colour from its end. */
function summaryLines({ listing, paint }: Frame, columns: number): string[] {
  const coloured = renderSummary(listing, paint).split('\n');
  return renderSummary(listing)
    .split('\n')
    .map((line, at) => (displayWidth(line) > columns ? cutEnd(line, columns) : (coloured[at] as string)));
}

/**
 * Returns the lines of a frame that fits a window: the most urgent rows, the number of the others, the summary, and the
 * keys if there are any.
 */
export function windowFrame(frame: Frame, { columns, rows }: WindowSize, hasKeys: boolean): string[] {
  const cut = (line: string) => cutEnd(line, columns);
  const keys = hasKeys ? [cut(printable(viewLine(frame.view, columns)))] : [];
  const summary = summaryLines(frame, columns);
  if (rows < roomyRows) {
    const below = [...summary.slice(0, 1), ...keys].slice(0, Math.max(1, rows - 2));
    return [...tableWithin(frame, columns, rows - below.length), ...below];
  }
  // Many warnings must not take the place of the rows.
  const warnings = incompleteLines(shownOmissions(frame.listing, frame.group)).slice(0, Math.floor(rows / 8));
  const below = ['', ...summary, ...warnings.map(cut), ...keys];
  return [cut(headLine(frame)), ...tableWithin(frame, columns, rows - 1 - below.length), ...below];
}
