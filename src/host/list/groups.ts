import { shownName } from '../owners/processes.js';
import type { HostConnection } from './connection.js';
import { type ConnectionRow, dependsOnKeepAlive, unitName } from './row.js';

/** By what connections can be grouped. */
export const groupings = ['process', 'port', 'unit'] as const;

export type Grouping = (typeof groupings)[number];

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
  if (by === 'port') return portNames(rows);
  return by === 'unit' ? unitName : ({ process }) => process && shownName(process);
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
