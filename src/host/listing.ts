import { SystemCallError } from '../native/index.js';
import { createJudge } from '../policy/verdict.js';
import type { KeepAliveState } from '../socket/index.js';
import type { TcpState } from '../wire/tcp-state.js';
import { Cgroups } from './cgroups.js';
import type { HostConnection, Incomplete } from './connection.js';
import { allStates, type Dump, dumpConnections, liveStates } from './dump.js';
import { kernelFilter } from './kernel-filter.js';
import { type NetworkNamespace, networkNamespaces, within } from './network-namespaces.js';
import type { ChosenSource } from './options/choice.js';
import { awaitOverrides, mayBeOverridden } from './options/idle-override.js';
import type { OptionReading, OptionSource, SocketReference } from './options/source.js';
import { sourceWithin } from './options/within.js';
import { findOwners, type SocketOwner, type SocketOwners } from './owners.js';
import { type ConnectionRow, connectionRow } from './row.js';
import type { Selection } from './selection.js';
import { kernelSelection, type SelectionMatcher, selectionMatcher } from './selection-match.js';

/** Which connections, and what of them. */
export interface ListQuery {
  /** Which connections; all of this process's network namespace unless stated. */
  readonly selection?: Selection;
  /** Every network namespace of the machine instead of only this process's own; needs CAP_SYS_ADMIN. */
  readonly allNetns?: boolean;
  /** Also TIME_WAIT and SYN_RECV; they have no options. A selection by state decides for itself. */
  readonly allStates?: boolean;
  /** `false` leaves out the options, and with them the verdicts. */
  readonly options?: boolean;
  /** A detection that can take longer than this is `slow`; 60 s unless stated. */
  readonly withinMs?: number;
  /**
   * Reads and sets options in this way only; the best that is permitted and safe unless stated. `'tcp-iterator'` can
   * corrupt the memory of kernels with CVE-2026-74714 (before 6.1.183, 6.6.152, 6.12.104, 6.18.45 and 7.1.9).
   */
  readonly optionSource?: OptionSource['method'];
}

/** A network namespace, and its connections. */
interface Place {
  readonly namespace: NetworkNamespace | undefined;
  readonly dump: Dump;
  /** By the TCP iterator, where that is the way. */
  readonly reading: OptionReading | undefined;
}

/** The machine's connections at one moment. */
export interface Listing {
  readonly rows: readonly ConnectionRow[];
  /** What is missing, and why. */
  readonly incomplete: readonly Incomplete[];
  /** How the options were read. */
  readonly method: OptionSource['method'] | undefined;
}

function statesOf({ selection, allStates: all = false }: ListQuery): readonly TcpState[] {
  if (selection?.state !== undefined) return selection.state;
  return all ? allStates : [...liveStates, 'LISTEN'];
}

/** The namespaces that a query is about; `undefined` stands for this process's own. */
function namespacesOf({ selection, allNetns = false }: ListQuery, incomplete: Incomplete[]) {
  const wanted = selection?.netns;
  if (!allNetns && wanted === undefined) return [undefined];
  const found = networkNamespaces();
  incomplete.push(...found.incomplete);
  return wanted === undefined ? found.namespaces : found.namespaces.filter(({ inode }) => wanted.includes(inode));
}

function readPlace(
  namespace: NetworkNamespace | undefined,
  query: ListQuery,
  cgroups: Cgroups,
  source: OptionSource | undefined,
): Place {
  const kernelPart = kernelSelection(query.selection ?? {}, (path) => cgroups.idsBelow(path));
  const filter = kernelFilter(kernelPart);
  return within(namespace, () => ({
    namespace,
    dump: dumpConnections({ states: statesOf(query), info: true, ...(filter === undefined ? {} : { filter }) }),
    reading: source?.perNamespace ? source.read([]) : undefined,
  }));
}

/** Reads one namespace after the other; one that cannot be entered is said to be missing. */
function readPlaces(query: ListQuery, cgroups: Cgroups, source: OptionSource | undefined, incomplete: Incomplete[]) {
  const places: Place[] = [];
  for (const namespace of namespacesOf(query, incomplete)) {
    try {
      places.push(readPlace(namespace, query, cgroups, source));
    } catch (error) {
      if (namespace === undefined || namespace.isOwn || !(error instanceof SystemCallError)) throw error;
      incomplete.push({
        what: `the connections of network namespace ${namespace.name ?? namespace.inode}`,
        why: error.message,
      });
    }
  }
  for (const { dump, reading } of places) incomplete.push(...dump.incomplete, ...(reading?.incomplete ?? []));
  return places;
}

/** How the options of another process's socket can be reached. */
export function referenceTo(connection: HostConnection, owners: readonly SocketOwner[]): SocketReference {
  return { cookie: connection.cookie, holders: owners };
}

/** The selected connections of a place, as far as the kernel's report decides. */
interface Share {
  readonly namespace: NetworkNamespace | undefined;
  readonly connections: readonly HostConnection[];
  readonly reading: OptionReading | undefined;
}

interface Known {
  readonly shares: readonly Share[];
  readonly owners: SocketOwners;
}

function findConnections(places: readonly Place[], matcher: SelectionMatcher): Known {
  const shares = places.map(({ namespace, dump, reading }) => ({
    namespace,
    connections: dump.connections.filter(matcher.admits),
    reading,
  }));
  const inodes = new Set<number>();
  for (const { connections } of shares) for (const { inode } of connections) if (inode !== 0) inodes.add(inode);
  return { shares, owners: findOwners({ inodes }) };
}

/** Sockets that can have options: not what is left of a connection, or not yet there. */
function hasOptions({ state, inode }: HostConnection): boolean {
  return inode !== 0 && state !== 'TIME_WAIT' && state !== 'SYN_RECV';
}

const ownersOf = ({ byInode }: SocketOwners, { inode }: HostConnection) => byInode.get(inode) ?? [];

function readByCopies(source: OptionSource | undefined, { shares, owners }: Known): OptionReading | undefined {
  if (source === undefined || source.perNamespace) return undefined;
  const reachable = shares.flatMap(({ connections }) => connections.filter(hasOptions));
  return source.read(reachable.map((connection) => referenceTo(connection, ownersOf(owners, connection))));
}

/** The options of a place's connections; where somebody may be asking a peer, what they are when that is over. */
function settledOptions(
  shares: readonly Share[],
  copied: OptionReading | undefined,
  readAgain: (share: Share, connections: readonly HostConnection[]) => OptionReading,
): (share: Share, connection: HostConnection) => KeepAliveState | null {
  const stateOf = ({ reading = copied }: Share, { cookie }: HostConnection) => reading?.states.get(cookie) ?? null;
  const doubtful = shares.map((share) =>
    share.connections.filter((connection) => {
      const state = stateOf(share, connection);
      return state !== null && mayBeOverridden(state);
    }),
  );
  if (doubtful.every(({ length }) => length === 0)) return stateOf;
  awaitOverrides();
  const settled = new Map<Share, OptionReading['states']>();
  for (const [index, share] of shares.entries()) {
    const connections = doubtful[index] as HostConnection[];
    if (connections.length > 0) settled.set(share, readAgain(share, connections).states);
  }
  return (share, connection) => settled.get(share)?.get(connection.cookie) ?? stateOf(share, connection);
}

/** Why a better way was not taken, where it would have shown more. */
function refusals(chosen: ChosenSource | undefined, copied: OptionReading | undefined): readonly Incomplete[] {
  if (chosen === undefined) return [];
  const isWhole = chosen.source !== undefined && (copied === undefined || copied.incomplete.length === 0);
  return isWhole ? [] : chosen.refused;
}

/**
 * Lists the connections of the machine through a source of options that is already open, which is left open; without
 * one there are no options and no verdicts.
 */
export function listThrough(chosen: ChosenSource | undefined, query: ListQuery): Listing {
  const { selection = {}, withinMs } = query;
  const source = chosen?.source;
  const incomplete: Incomplete[] = [];
  const cgroups = new Cgroups();
  const matcher = selectionMatcher(selection);
  const known = findConnections(readPlaces(query, cgroups, source, incomplete), matcher);
  const copied = readByCopies(source, known);
  incomplete.push(...known.owners.incomplete, ...(copied?.incomplete ?? []), ...refusals(chosen, copied));
  const judge = createJudge(withinMs);
  const rows: ConnectionRow[] = [];
  const optionsOf = settledOptions(known.shares, copied, ({ namespace }, connections) =>
    sourceWithin(source as OptionSource, namespace).read(
      connections.map((connection) => referenceTo(connection, ownersOf(known.owners, connection))),
    ),
  );
  for (const share of known.shares) {
    for (const connection of share.connections) {
      const owners = ownersOf(known.owners, connection);
      const keepAlive = optionsOf(share, connection);
      const place = cgroups.placeOfSocket(connection.cgroupId, owners[0]?.pid);
      const row = connectionRow(connection, { keepAlive, owners, place }, judge);
      if (matcher.matches(row)) rows.push(row);
    }
  }
  return { rows, incomplete, method: source?.method };
}
