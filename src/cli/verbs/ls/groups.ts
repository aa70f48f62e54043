import type { HostConnection } from '../../../host/list/connection.js';
import type { Listing } from '../../../host/list/listing.js';
import { countSockets, type NotJudged } from '../../../host/list/not-judged.js';
import { type ConnectionRow, dependsOnKeepAlive } from '../../../host/list/row.js';
import { emptyCell, placeText } from '../../text/cells.js';
import { printable } from '../../text/printable.js';
import { cutMiddle, type FitColumn, fitTable } from '../../text/table.js';
import type { Grouping } from './groupings.js';

/** How many connections there are of each verdict. */
export interface VerdictCounts {
  readonly connections: number;
  readonly unprotected: number;
  readonly slow: number;
  readonly protected: number;
  /** Connections that could not be judged. */
  readonly unknown: number;
  /** Connections that keepalive does not decide: connecting, waiting to be accepted, orphans, TIME_WAIT. */
  readonly other: number;
}

/** The connections that share a process's name, a service's port or a unit. */
export interface Group extends VerdictCounts {
  /** `null` for those without. */
  readonly name: string | null;
}

type MutableCounts = { -readonly [field in keyof VerdictCounts]: number };

const noCounts = (): MutableCounts => ({ connections: 0, unprotected: 0, slow: 0, protected: 0, unknown: 0, other: 0 });

function count(counts: MutableCounts, { connection, verdict }: ConnectionRow): void {
  counts.connections += 1;
  counts[verdict ?? (dependsOnKeepAlive(connection) ? 'unknown' : 'other')] += 1;
}

const hasPeer = ({ state }: HostConnection) => state !== 'LISTEN' && state !== 'CLOSE';

const listenerKey = (netns: number, port: number) => `${netns}:${port}`;

/**
 * Names the service's end of a connection as `--port` takes it: `local:443` where this machine listens on the port,
 * else `remote:5432`. Where no listener was listed, the service is at the lower port: ports of clients are high.
 */
function portNames(rows: readonly ConnectionRow[]): (row: ConnectionRow) => string {
  const listening = new Set<string>();
  for (const { connection } of rows) {
    if (connection.state === 'LISTEN') listening.add(listenerKey(connection.netns, connection.local.port));
  }
  return ({ connection: { local, remote, netns } }) => {
    const isService =
      listening.has(listenerKey(netns, local.port)) ||
      (!listening.has(listenerKey(netns, remote.port)) && local.port < remote.port);
    return isService ? `local:${local.port}` : `remote:${remote.port}`;
  };
}

function nameFunction(rows: readonly ConnectionRow[], by: Grouping): (row: ConnectionRow) => string | null {
  switch (by) {
    case 'process':
      return ({ process }) => process?.name ?? null;
    case 'unit':
      return (row) => (row.unit === null && row.container === null ? null : placeText(row));
    case 'port':
      return portNames(rows);
  }
}

/**
 * Counts connections by verdict, for each process's name, service's port or unit; the most unprotected come first.
 *
 * Listeners, and others without a peer, are not counted.
 */
export function groupRows(rows: readonly ConnectionRow[], by: Grouping): Group[] {
  const groups = new Map<string | null, MutableCounts>();
  const nameOf = nameFunction(rows, by);
  for (const row of rows) {
    if (!hasPeer(row.connection)) continue;
    const name = nameOf(row);
    let counts = groups.get(name);
    if (counts === undefined) {
      counts = noCounts();
      groups.set(name, counts);
    }
    count(counts, row);
  }
  return Array.from(groups, ([name, counts]) => ({ name, ...counts })).sort(
    (a, b) => b.unprotected - a.unprotected || b.slow - a.slow || b.connections - a.connections,
  );
}

/** Counts the connections by verdict, all together. */
export function countVerdicts(rows: readonly ConnectionRow[]): VerdictCounts {
  const counts = noCounts();
  for (const row of rows) if (hasPeer(row.connection)) count(counts, row);
  return counts;
}

/** Counts the listeners by the verdict that their connections will have. Leaves out listeners without a verdict. */
export function countListeners(rows: readonly ConnectionRow[]): VerdictCounts {
  const counts = noCounts();
  for (const row of rows) if (row.connection.state === 'LISTEN' && row.verdict !== null) count(counts, row);
  return counts;
}

const kinds = ['unprotected', 'slow', 'protected', 'unknown', 'other'] as const;

/** The counts in a sentence: `12 connections: 3 unprotected, 9 protected`. */
export function renderCounts(counts: VerdictCounts, noun = 'connection'): string {
  const { connections } = counts;
  const parts = kinds.filter((kind) => counts[kind] > 0).map((kind) => `${counts[kind]} ${kind}`);
  const many = `${connections} ${connections === 1 ? noun : `${noun}s`}`;
  return parts.length === 0 ? many : `${many}: ${parts.join(', ')}`;
}

/** Returns how many sockets could not be judged, and why; empty if all could. */
export function renderNotJudged(notJudged: NotJudged): string {
  const many = countSockets(notJudged);
  return many === '' ? '' : `${many} could not be judged (${notJudged.reasons.join('; ')})`;
}

/** Returns the summary of a list: its connections, its listeners, and the sockets that could not be judged, a line each. */
export function renderSummary({ rows, notJudged }: Pick<Listing, 'rows' | 'notJudged'>): string {
  const listeners = countListeners(rows);
  const lines = [
    renderCounts(countVerdicts(rows)),
    listeners.connections === 0 ? '' : renderCounts(listeners, 'listener'),
    renderNotJudged(notJudged),
  ];
  return lines.filter((line) => line !== '').join('\n');
}

/** The groups as a table with lines no longer than `width`. */
export function renderGroups(groups: readonly Group[], by: Grouping, width: number): string {
  const number = (title: string, worth?: number): FitColumn => ({
    title,
    align: 'right',
    ...(worth === undefined ? {} : { worth }),
  });
  const columns: readonly FitColumn[] = [
    { title: by.toUpperCase(), least: 10, shorten: cutMiddle },
    number('CONNECTIONS', 2),
    number('UNPROTECTED'),
    number('SLOW'),
    number('PROTECTED'),
    number('UNKNOWN', 1),
    ...(groups.some(({ other }) => other > 0) ? [number('OTHER', 1)] : []),
  ];
  const rows = groups.map((group) =>
    [
      printable(group.name ?? emptyCell),
      String(group.connections),
      String(group.unprotected),
      String(group.slow),
      String(group.protected),
      String(group.unknown),
      String(group.other),
    ].slice(0, columns.length),
  );
  return fitTable(columns, rows, width);
}
