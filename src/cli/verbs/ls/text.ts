import {
  countListeners,
  countVerdicts,
  type Group,
  type Grouping,
  type VerdictCounts,
} from '../../../host/list/groups.js';
import type { Listing } from '../../../host/list/listing.js';
import { type ConnectionRow, unitName } from '../../../host/list/row.js';
import {
  addressColumn,
  emptyCell,
  endpointText,
  heardText,
  inFlightText,
  keepAliveText,
  processColumn,
  processText,
  remoteText,
  stateText,
  timerText,
  verdictText,
} from '../../text/cells.js';
import { counted, notJudgedText } from '../../text/counted.js';
import { printable } from '../../text/printable.js';
import { type Column, cutMiddle, renderTable } from '../../text/table.js';

interface ConnectionColumn extends Column {
  text(row: ConnectionRow): string;
}

const address = { ...addressColumn, isLastResort: true } as const;

/** In the order in which they stand. Who, with whom, kept alive how, and what to think of it are never dropped. */
const columns: readonly ConnectionColumn[] = [
  { ...processColumn, text: processText },
  { title: 'UNIT', least: 10, worth: 5, text: (row) => unitName(row) ?? emptyCell },
  { title: 'LOCAL', ...address, text: ({ connection }) => endpointText(connection.local) },
  { title: 'REMOTE', ...address, text: remoteText },
  { title: 'STATE', worth: 6, text: ({ connection }) => stateText(connection.state) },
  { title: 'KEEPALIVE', text: ({ keepAlive }) => keepAliveText(keepAlive) },
  { title: 'TIMER', worth: 4, text: timerText },
  { title: 'UNANSWERED', align: 'right', worth: 3, text: ({ connection }) => String(connection.unanswered) },
  { title: 'HEARD', align: 'right', worth: 2, text: heardText },
  { title: 'IN FLIGHT', align: 'right', worth: 1, text: inFlightText },
  { title: 'VERDICT', text: verdictText },
];

/** Returns the connections as a table with lines no longer than `width`. */
export function renderConnections(rows: readonly ConnectionRow[], width: number): string {
  return renderTable(
    columns,
    rows.map((row) => columns.map((column) => column.text(row))),
    width,
  );
}

/** Returns the groups as a table with lines no longer than `width`. */
export function renderGroups(groups: readonly Group[], by: Grouping, width: number): string {
  const number = (title: string, worth?: number): Column => ({
    title,
    align: 'right',
    ...(worth === undefined ? {} : { worth }),
  });
  const groupColumns: readonly Column[] = [
    { title: by.toUpperCase(), least: 10, shorten: cutMiddle },
    number('CONNECTIONS', 2),
    number('UNPROTECTED'),
    number('SLOW'),
    number('PROTECTED'),
    number('UNKNOWN', 1),
    ...(groups.some(({ other }) => other > 0) ? [number('OTHER', 1)] : []),
  ];
  const rows = groups.map(({ name, connections, unprotected, slow, protected: safe, unknown, other }) => [
    name ?? emptyCell,
    ...[connections, unprotected, slow, safe, unknown, other].map(String),
  ]);
  return renderTable(groupColumns, rows, width);
}

const kinds = ['unprotected', 'slow', 'protected', 'unknown', 'other'] as const;

/** Returns the counts as a sentence: `12 connections: 3 unprotected, 9 protected`. */
export function renderCounts(counts: VerdictCounts, noun = 'connection'): string {
  const parts = kinds.filter((kind) => counts[kind] > 0).map((kind) => `${counts[kind]} ${kind}`);
  const many = counted(counts.connections, noun);
  return parts.length === 0 ? many : `${many}: ${parts.join(', ')}`;
}

/** Returns the summary of a list: its connections, its listeners, and the sockets that could not be judged, a line each. */
export function renderSummary({ rows, notJudged }: Pick<Listing, 'rows' | 'notJudged'>): string {
  const listeners = countListeners(rows);
  return [
    renderCounts(countVerdicts(rows)),
    ...(listeners.connections === 0 ? [] : [renderCounts(listeners, 'listener')]),
    notJudgedText(notJudged) ?? [],
  ]
    .flat()
    .map(printable)
    .join('\n');
}
