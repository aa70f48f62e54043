import { createJudge } from '../../policy/model/verdict.js';
import type { Middlebox } from '../../policy/plan/middlebox.js';
import { middleboxOf, probedTimeoutMs } from '../../policy/plan/middleboxes.js';
import { currentNamespace } from '../dump/dump.js';
import type { ChosenSource } from '../options/choice.js';
import { settledReadings } from '../options/settled-readings.js';
import type { OptionReading, OptionSource, SocketReference } from '../options/source.js';
import { sourceWithin } from '../options/within.js';
import { Cgroups } from '../owners/cgroups.js';
import { findOwners, type SocketOwner, type SocketOwners } from '../owners/owners.js';
import { type SelectionMatcher, selectionMatcher } from '../selection/match.js';
import type { HostConnection, Omission } from './connection.js';
import type { ListQuery } from './list-query.js';
import { about } from './missing-facts.js';
import { type NamespaceList, readLists } from './namespace-lists.js';
import type { NotJudged } from './not-judged.js';
import type { ConnectionRow } from './row.js';
import { hasOptions, type ListedNamespace, RowMaker, whyUnowned } from './row-maker.js';

/** The machine's connections at one moment. */
export interface Listing {
  readonly rows: readonly ConnectionRow[];
  /** What is missing, and why. */
  readonly incomplete: readonly Omission[];
  /** Sockets that the selection may mean, but that could not be matched with it; they are no rows. */
  readonly undecided: NotJudged;
  /** `undecided`, and the rows that have no verdict although one applies. */
  readonly notJudged: NotJudged;
  /** Whether every connection is listed; false if a namespace could not be entered, for example. */
  readonly isWhole: boolean;
  /** The network namespaces, by inode, whose lists were read to the end. */
  readonly namespaces: ReadonlySet<number>;
  /** How the options were read. */
  readonly method: OptionSource['method'] | undefined;
  /** The middlebox of the query; only if the query names one. */
  readonly behind?: Middlebox;
}

/** Returns how the options of another process's socket can be reached; `unreachable` is why no owner may be known. */
export function referenceTo(
  connection: HostConnection,
  owners: readonly SocketOwner[],
  unreachable?: string | null,
): SocketReference {
  return { cookie: connection.cookie, holders: owners, ...(unreachable == null ? {} : { unreachable }) };
}

interface Known {
  readonly shares: readonly ListedNamespace[];
  readonly owners: SocketOwners;
}

function findConnections(lists: readonly NamespaceList[], matcher: SelectionMatcher, wantsOptions: boolean): Known {
  const shares = lists.map((list) => ({ ...list, connections: list.dump.connections.filter(matcher.admits) }));
  const inodes = new Set<number>();
  for (const { connections } of shares) for (const { inode } of connections) if (inode !== 0) inodes.add(inode);
  return { shares, owners: findOwners({ inodes, wantsOptions }) };
}

function ownedReference(owners: SocketOwners, connection: HostConnection): SocketReference {
  return referenceTo(connection, owners.byInode.get(connection.inode) ?? [], whyUnowned(owners, connection));
}

function readByCopies(source: OptionSource | undefined, { shares, owners }: Known): OptionReading | undefined {
  if (source === undefined || source.perNamespace) return undefined;
  const reachable = shares.flatMap(({ connections }) => connections.filter(hasOptions));
  return source.read(
    reachable.map((connection) => ownedReference(owners, connection)),
    owners.files,
  );
}

/** Reads the options of each share's sockets, without the overrides of anybody who asks the sockets' peers. */
function readOptions(source: OptionSource | undefined, { shares, owners }: Known, copied: OptionReading | undefined) {
  return settledReadings(
    shares.map(({ connections, reading = copied }) => ({ sockets: connections, reading })),
    (index, connections) =>
      sourceWithin(source as OptionSource, shares[index]?.namespace).read(
        connections.map((connection) => ownedReference(owners, connection)),
      ),
  );
}

/** Returns the lines about facts that the shown rows lack, and about rows that may be missing. */
function omissions(maker: RowMaker, owners: SocketOwners, chosen: ChosenSource | undefined): Omission[] {
  const undecided = maker.undecided.lines('that the filters may mean');
  const unread = chosen?.source?.perNamespace ? [] : maker.unread.lines();
  const isUnread = chosen?.source === undefined ? maker.lacksOptions || undecided.length > 0 : unread.length > 0;
  const lacksOptions = chosen !== undefined && isUnread;
  return [
    ...(maker.lacksOwners || undecided.length > 0 ? about('owners', owners.incomplete) : []),
    ...about('options', unread),
    ...(lacksOptions ? about('options', chosen.refused) : []),
    ...about('match', undecided),
  ];
}

/**
 * Lists the connections of the machine through a source of options that is already open, which is left open; without
 * one there are no options and no verdicts.
 */
export function listThrough(chosen: ChosenSource | undefined, query: ListQuery): Listing {
  const { selection = {}, withinMs } = query;
  const behind = query.behind === undefined ? undefined : middleboxOf(query.behind);
  const behindMs = behind && probedTimeoutMs(behind);
  const source = chosen?.source;
  const incomplete: Omission[] = [];
  const cgroups = new Cgroups();
  const matcher = selectionMatcher(selection);
  const { lists, isWhole } = readLists(query, cgroups, source, incomplete);
  const known = findConnections(lists, matcher, source?.perNamespace === false);
  const copied = readByCopies(source, known);
  const readings = readOptions(source, known, copied);
  const maker = new RowMaker(known.owners, matcher, cgroups, createJudge(withinMs, behindMs), {
    areRequested: chosen !== undefined,
    refused: chosen && source === undefined ? chosen.refused.map(({ why }) => why).join('; ') : null,
    behindMs,
  });
  for (const [index, share] of known.shares.entries()) maker.add(share, readings[index]);
  incomplete.push(...omissions(maker, known.owners, chosen));
  const whole = lists.filter(({ dump }) => dump.isWhole);
  return {
    rows: maker.rows,
    incomplete,
    undecided: maker.undecided.total(),
    notJudged: maker.undecided.total(maker.unjudged),
    isWhole,
    namespaces: new Set(whole.map(({ namespace }) => namespace?.inode ?? currentNamespace())),
    method: source?.method,
    ...(behind && { behind }),
  };
}
