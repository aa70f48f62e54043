import {
  countListeners,
  countVerdicts,
  type Group,
  type Grouping,
  type VerdictCounts,
} from '../../../host/list/groups.js';
import type { Listing } from '../../../host/list/listing.js';
import type { ConnectionRow } from '../../../host/list/row.js';
import type { Verdict } from '../../../policy/model/verdict.js';
import { endpointText } from '../../../wire/endpoint.js';
import {
  addressColumn,
  ageTone,
  droppedText,
  emptyCell,
  heardText,
  inFlightText,
  keepAliveText,
  processColumn,
  processText,
  remoteText,
  stateText,
  timerText,
  unitText,
  verdictText,
  verdictTones,
} from '../../text/cells.js';
import { type Paint, plain } from '../../text/colour.js';
import { counted, notJudgedText } from '../../text/counted.js';
import { middleboxText } from '../../text/middlebox.js';
import { type Column, cutMiddle, renderTable, shownColumns } from '../../text/table.js';
import { wrapText } from '../../text/wrap-text.js';

interface ConnectionColumn extends Column {
  text(row: ConnectionRow): string;
}

const address = { ...addressColumn, isLastResort: true } as const;

/** The unanswered probes, which the colour of a row stands for. */
const unansweredColumn: ConnectionColumn = {
  title: 'UNANSWERED',
  align: 'right',
  worth: 3,
  text: ({ connection }) => String(connection.unanswered),
};
const localColumn: ConnectionColumn = {
  title: 'LOCAL',
  ...address,
  rank: 1,
  text: ({ connection }) => endpointText(connection.local),
};
/** When the middlebox of --behind forgets the connection. */
const droppedColumn: ConnectionColumn = { title: 'DROPPED', worth: 8, text: droppedText };
const verdictColumn: ConnectionColumn = { title: 'VERDICT', text: verdictText };

/** In the order in which they stand. The verdict is never dropped; the peer, the process and the policy are the last to go. */
const columns: readonly ConnectionColumn[] = [
  { ...processColumn, rank: 3, text: processText },
  { title: 'UNIT', least: 10, worth: 5, text: unitText },
  localColumn,
  { title: 'REMOTE', ...address, rank: 4, text: remoteText },
  { title: 'STATE', worth: 6, text: ({ connection }) => stateText(connection.state) },
  { title: 'KEEPALIVE', rank: 2, text: ({ keepAlive }) => keepAliveText(keepAlive) },
  { title: 'TIMER', worth: 4, text: timerText },
  unansweredColumn,
  { title: 'HEARD', align: 'right', worth: 2, text: heardText },
  { title: 'IN FLIGHT', align: 'right', worth: 1, text: inFlightText },
  verdictColumn,
];

/** Returns the peer, or for a listener its port: for tables without the column LOCAL. */
const remoteOrPort = (row: ConnectionRow) =>
  row.connection.state === 'LISTEN' ? `listens :${row.connection.local.port}` : remoteText(row);

const titlesShown = (all: readonly Column[], cells: readonly (readonly string[])[], width: number) =>
  new Set(shownColumns(all, cells, width).map(({ title }) => title));

/** Returns the columns of a list. If probes are unanswered, their number is worth more than most columns that can be dropped. */
function columnsOf(rows: readonly ConnectionRow[]): readonly ConnectionColumn[] {
  const hasUnanswered = rows.some(({ connection }) => connection.unanswered > 0);
  const isBehind = rows[0]?.behind !== undefined;
  return columns.flatMap((column) => {
    if (column === unansweredColumn && hasUnanswered) return { ...column, shortTitle: 'LOST', worth: 7 };
    return column === verdictColumn && isBehind ? [droppedColumn, column] : column;
  });
}

/**
 * Returns the columns of a list with lines no longer than `width`: without LOCAL if that makes room for the number of unanswered
 * probes that each row has, or for the time of a row when a middlebox forgets the connection.
 */
function fittingColumns(rows: readonly ConnectionRow[], width: number): readonly ConnectionColumn[] {
  const all = columnsOf(rows);
  const wanted = [
    ...(rows.every(({ connection }) => connection.unanswered > 0) ? [unansweredColumn] : []),
    ...(rows.some(({ behind }) => behind !== undefined && behind.dropInMs !== null) ? [droppedColumn] : []),
  ];
  const areShown = (some: readonly ConnectionColumn[]) => {
    const cells = rows.map((row) => some.map((column) => column.text(row)));
    const shown = titlesShown(some, cells, width);
    return wanted.every(({ title }) => shown.has(title));
  };
  if (wanted.length === 0 || areShown(all)) return all;
  const others = all.filter(({ title }) => title !== localColumn.title).map(({ isLastResort: _, ...column }) => column);
  return areShown(others) ? others : all;
}

/** Returns the connections as a table with lines no longer than `width`. A row is coloured by its unanswered probes. */
export function renderConnections(rows: readonly ConnectionRow[], width: number, paint: Paint = plain): string {
  const worthy = fittingColumns(rows, width);
  const cells = rows.map((row) => worthy.map((column) => column.text(row)));
  const shown = titlesShown(worthy, cells, width);
  if (!shown.has(localColumn.title)) {
    const remote = worthy.findIndex(({ title }) => title === 'REMOTE');
    for (const [at, row] of rows.entries()) (cells[at] as string[])[remote] = remoteOrPort(row);
  }
  const isAgeShown = shown.has(unansweredColumn.title);
  return renderTable(worthy, cells, width, {
    paint,
    tone(at, { title }) {
      const row = rows[at] as ConnectionRow;
      if (title === verdictColumn.title) return row.verdict === null ? undefined : verdictTones[row.verdict];
      return isAgeShown ? ageTone(row) : undefined;
    },
  });
}

/** Returns the groups as a table with lines no longer than `width`. */
export function renderGroups(groups: readonly Group[], by: Grouping, width: number, paint: Paint = plain): string {
  const number = (title: string, worth?: number): Column => ({
    title,
    align: 'right',
    ...(worth === undefined ? {} : { worth }),
  });
  const hasExposed = groups[0]?.exposed !== undefined;
  const groupColumns: readonly Column[] = [
    { title: by.toUpperCase(), least: 10, shorten: cutMiddle },
    number('CONNECTIONS', 2),
    number('UNPROTECTED'),
    ...(hasExposed ? [number('EXPOSED')] : []),
    number('SLOW'),
    number('PROTECTED'),
    number('UNKNOWN', groups.some(({ unknown }) => unknown > 0) ? 3 : 1),
    ...(groups.some(({ other }) => other > 0) ? [number('OTHER', 1)] : []),
  ];
  const rows = groups.map(({ name, connections, unprotected, exposed, slow, protected: safe, unknown, other }) => [
    name ?? emptyCell,
    ...[connections, unprotected, ...(exposed === undefined ? [] : [exposed]), slow, safe, unknown, other].map(String),
  ]);
  return renderTable(groupColumns, rows, width, {
    paint,
    tone(at, { title }) {
      const kind = title.toLowerCase();
      const isCounted = kind in verdictTones && groups[at]?.[kind as Verdict] !== 0;
      return isCounted ? verdictTones[kind as Verdict] : undefined;
    },
  });
}

const kinds = ['unprotected', 'exposed', 'slow', 'protected', 'unknown', 'other'] as const;

/** Returns the counts as a sentence: `12 connections: 3 unprotected, 9 protected`. */
export function renderCounts(counts: VerdictCounts, noun = 'connection', paint: Paint = plain): string {
  const toneOf = (kind: (typeof kinds)[number]) => (kind in verdictTones ? verdictTones[kind as Verdict] : undefined);
  const parts = kinds
    .filter((kind) => (counts[kind] ?? 0) > 0)
    .map((kind) => paint(`${counts[kind]} ${kind}`, toneOf(kind)));
  const many = counted(counts.connections, noun);
  return parts.length === 0 ? many : `${many}: ${parts.join(', ')}`;
}

/** Returns the summary of a list: its connections, its listeners, its middlebox, and the sockets that could not be judged, in a line each or more. */
export function renderSummary(
  { rows, notJudged, behind }: Pick<Listing, 'rows' | 'notJudged' | 'behind'>,
  paint: Paint = plain,
  width = Number.POSITIVE_INFINITY,
): string {
  const listeners = countListeners(rows);
  const open = notJudgedText(notJudged);
  return [
    renderCounts(countVerdicts(rows), 'connection', paint),
    ...(listeners.connections === 0 ? [] : [renderCounts(listeners, 'listener', paint)]),
    ...(behind === undefined ? [] : [wrapText(middleboxText(behind), width)]),
    ...(open === undefined ? [] : [wrapText(open, width)]),
  ].join('\n');
}
