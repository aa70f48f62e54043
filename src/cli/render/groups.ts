import type { HostConnection } from '../../host/connection.js';
import type { ConnectionRow } from '../../host/row.js';
import type { Verdict } from '../../policy/verdict.js';
import { nothing, placeText } from './connection-cells.js';
import { cutMiddle, type FitColumn, fitTable } from './fit.js';
import type { Grouping } from './groupings.js';
import { printable } from './printable.js';

/** How many connections there are of each verdict. */
export interface VerdictCounts {
  readonly connections: number;
  readonly unprotected: number;
  readonly slow: number;
  readonly protected: number;
  /** Those without a verdict: keepalive could not be read, or it has no say, as in TIME_WAIT. */
  readonly unknown: number;
}

/** The connections that share a process's name, a service's port or a unit. */
export interface Group extends VerdictCounts {
  /** `null` for those without. */
  readonly name: string | null;
}

type MutableCounts = { -readonly [field in keyof VerdictCounts]: number };

const noCounts = (): MutableCounts => ({ connections: 0, unprotected: 0, slow: 0, protected: 0, unknown: 0 });

function count(counts: MutableCounts, verdict: Verdict | null): void {
  counts.connections += 1;
  counts[verdict ?? 'unknown'] += 1;
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
    count(counts, row.verdict);
  }
  return Array.from(groups, ([name, counts]) => ({ name, ...counts })).sort(
    (a, b) => b.unprotected - a.unprotected || b.slow - a.slow || b.connections - a.connections,
  );
}

/** Counts the connections by verdict, all together. */
export function countVerdicts(rows: readonly ConnectionRow[]): VerdictCounts {
  const counts = noCounts();
  for (const { connection, verdict } of rows) if (hasPeer(connection)) count(counts, verdict);
  return counts;
}

/** The counts in a sentence: `12 connections: 3 unprotected, 9 protected`. */
export function renderCounts(counts: VerdictCounts): string {
  const { connections } = counts;
  const kinds = (['unprotected', 'slow', 'protected', 'unknown'] as const)
    .filter((kind) => counts[kind] > 0)
    .map((kind) => `${counts[kind]} ${kind}`);
  const many = `${connections} ${connections === 1 ? 'connection' : 'connections'}`;
  return kinds.length === 0 ? many : `${many}: ${kinds.join(', ')}`;
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
  ];
  const rows = groups.map((group) => [
    printable(group.name ?? nothing),
    String(group.connections),
    String(group.unprotected),
    String(group.slow),
    String(group.protected),
    String(group.unknown),
  ]);
  return fitTable(columns, rows, width);
}
