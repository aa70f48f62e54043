import { shownName } from '../owners/processes.js';
import type { HostConnection } from './connection.js';
import { type ConnectionRow, dependsOnKeepAlive, unitName } from './row.js';
import { servicePorts } from './service-port.js';

/** By what connections can be grouped. */
export const groupings = ['process', 'port', 'unit', 'remote', 'netns'] as const;

export type Grouping = (typeof groupings)[number];

/** How many connections there are of each verdict. */
export interface VerdictCounts {
  readonly connections: number;
  readonly unprotected: number;
  /** Connections that a middlebox can forget before the first probe; only of a list that was made for a middlebox. */
  readonly exposed?: number;
  readonly slow: number;
  readonly protected: number;
  /** Connections that could not be judged. */
  readonly unknown: number;
  /** Connections that keepalive does not decide: connecting, waiting to be accepted, orphans, TIME_WAIT. */
  readonly other: number;
}

/** The connections that share a program, a service's port, a unit, the peer's address or a network namespace. */
export interface Group extends VerdictCounts {
  /** `null` for those without. */
  readonly name: string | null;
}

type MutableCounts = { -readonly [field in keyof VerdictCounts]: number };

/** Returns counts of 0, with `exposed` if the rows were judged behind a middlebox. */
function noCounts([row]: readonly ConnectionRow[]): MutableCounts {
  const exposed = row?.behind === undefined ? {} : { exposed: 0 };
  return { connections: 0, unprotected: 0, ...exposed, slow: 0, protected: 0, unknown: 0, other: 0 };
}

function count(counts: MutableCounts, { connection, verdict }: ConnectionRow): void {
  const kind = verdict ?? (dependsOnKeepAlive(connection) ? 'unknown' : 'other');
  counts.connections += 1;
  counts[kind] = (counts[kind] ?? 0) + 1;
}

const hasPeer = ({ state }: HostConnection) => state !== 'LISTEN' && state !== 'CLOSE';

/** Facts of the machine that rows lack. */
export interface GroupFacts {
  /** Listeners that are no rows. Default: none. */
  readonly listeners?: readonly HostConnection[];
  /** The names of network namespaces, by inode. Default: none, so that they have their inodes. */
  readonly namespaceNames?: ReadonlyMap<number, string>;
}

type NameFunction = (row: ConnectionRow) => string | null;

function nameFunction(rows: readonly ConnectionRow[], by: Grouping, facts: GroupFacts): NameFunction {
  switch (by) {
    case 'process':
      return ({ process }) => process && shownName(process);
    case 'unit':
      return unitName;
    case 'remote':
      return ({ connection }) => connection.remote.address;
    case 'netns':
      return ({ connection: { netns } }) => facts.namespaceNames?.get(netns) ?? String(netns);
    case 'port': {
      const portOf = servicePorts(
        rows.map(({ connection }) => connection),
        facts.listeners,
      );
      return ({ connection }) => portOf(connection);
    }
  }
}

/**
 * Counts connections by verdict, for each program, service's port, unit, peer's address or network namespace; the most unprotected
 * come first.
 *
 * Listeners, and others without a peer, are not counted.
 */
export function groupRows(rows: readonly ConnectionRow[], by: Grouping, facts: GroupFacts = {}): Group[] {
  const groups = new Map<string | null, MutableCounts>();
  const nameOf = nameFunction(rows, by, facts);
  for (const row of rows) {
    if (!hasPeer(row.connection)) continue;
    const name = nameOf(row);
    let counts = groups.get(name);
    if (counts === undefined) {
      counts = noCounts(rows);
      groups.set(name, counts);
    }
    count(counts, row);
  }
  return Array.from(groups, ([name, counts]) => ({ name, ...counts })).sort(
    (a, b) =>
      b.unprotected - a.unprotected ||
      (b.exposed ?? 0) - (a.exposed ?? 0) ||
      b.slow - a.slow ||
      b.connections - a.connections,
  );
}

/** Counts the connections by verdict, all together. */
export function countVerdicts(rows: readonly ConnectionRow[]): VerdictCounts {
  const counts = noCounts(rows);
  for (const row of rows) if (hasPeer(row.connection)) count(counts, row);
  return counts;
}

/** Counts the listeners by the verdict that their connections will have. Leaves out listeners without a verdict. */
export function countListeners(rows: readonly ConnectionRow[]): VerdictCounts {
  const counts = noCounts(rows);
  for (const row of rows) if (row.connection.state === 'LISTEN' && row.verdict !== null) count(counts, row);
  return counts;
}
