import { SystemCallError } from '../../native/errors.js';
import type { Judge } from '../../policy/model/verdict.js';
import type { KeepAliveState } from '../../socket/state.js';
import { liveStates } from '../dump/dump.js';
import { type Refreshed, refresh } from '../dump/refresh.js';
import { ReadFailures } from '../options/read-failures.js';
import type { OptionReading } from '../options/source.js';
import type { Cgroups } from '../owners/cgroups.js';
import type { SocketOwners } from '../owners/owners.js';
import type { SelectionMatcher } from '../selection/match.js';
import type { HostConnection } from './connection.js';
import type { NamespaceList } from './namespace-lists.js';
import { OpenQuestions } from './not-judged.js';
import {
  type ConnectionRow,
  connectionRow,
  dependsOnKeepAlive,
  type KeepAliveByTimer,
  keepAliveByTimer,
} from './row.js';

/** The connections of a namespace that the kernel's list does not exclude from the selection. */
export interface ListedNamespace extends NamespaceList {
  readonly connections: readonly HostConnection[];
}

/** Returns why a socket's owner may be unknown; `null` if an owner is known, or if no process is hidden. */
export function whyUnowned(owners: SocketOwners, { inode }: HostConnection): string | null {
  if (owners.hidden === undefined || inode === 0 || owners.byInode.get(inode) !== undefined) return null;
  return owners.hidden.why;
}

/** Returns whether a socket can have options: a process has it, and its connection is established or was. */
export function hasOptions({ state, inode }: HostConnection): boolean {
  return inode !== 0 && state !== 'TIME_WAIT' && state !== 'SYN_RECV';
}

/** The sockets whose options are unknown, read a second time; `undefined` if that failed or was not needed. */
type SecondReading = Refreshed | undefined;

function readAgain(connections: readonly HostConnection[], { namespace }: ListedNamespace): SecondReading {
  try {
    return refresh(connections, namespace, [...liveStates, 'LISTEN']);
  } catch (error) {
    if (error instanceof SystemCallError) return undefined;
    throw error;
  }
}

/** Tells by two readings whether keepalive is on: in one reading, the timer may be unarmed by chance. */
function toldByTimers(first: HostConnection, second: HostConnection | undefined): KeepAliveByTimer | null {
  if (second === undefined) return null;
  const before = keepAliveByTimer(first);
  const now = keepAliveByTimer(second);
  if (now?.enabled) return now;
  if (before?.enabled) return now === undefined ? before : null;
  return before !== undefined && now !== undefined ? now : null;
}

const notRead = 'the kernel does not show their options';
const retriesNotRead = 'net.ipv4.tcp_retries2 could not be read';

/** Makes the rows of a listing, and counts the sockets that could not be matched or judged. */
export class RowMaker {
  readonly rows: ConnectionRow[] = [];
  /** Sockets that the selection may mean, but that could not be matched with it. */
  readonly undecided = new OpenQuestions();
  /** Rows without a verdict although one applies. */
  readonly unjudged = new OpenQuestions();
  /** Whether a row has no owner although a process has the socket. */
  lacksOwners = false;
  /** True if a row has no options although its connection has. */
  lacksOptions = false;
  /** Rows whose options could not be read. */
  readonly unread = new ReadFailures();
  readonly #owners: SocketOwners;
  readonly #matcher: SelectionMatcher;
  readonly #cgroups: Cgroups;
  readonly #judge: Judge;
  /** Why options cannot be read at all; `null` if they can. */
  readonly #refused: string | null;
  readonly #behindMs: number | undefined;
  readonly #areOptionsRequested: boolean;

  constructor(
    owners: SocketOwners,
    matcher: SelectionMatcher,
    cgroups: Cgroups,
    judge: Judge,
    options: { readonly areRequested: boolean; readonly refused: string | null; readonly behindMs: number | undefined },
  ) {
    this.#owners = owners;
    this.#matcher = matcher;
    this.#cgroups = cgroups;
    this.#judge = judge;
    this.#areOptionsRequested = options.areRequested;
    this.#refused = options.refused;
    this.#behindMs = options.behindMs;
  }

  add(share: ListedNamespace, reading: OptionReading | undefined): void {
    const states = share.connections.map(({ cookie }) => reading?.states.get(cookie));
    const unread = share.connections.filter(
      (connection, index) => states[index] === undefined && dependsOnKeepAlive(connection),
    );
    const second = this.#areOptionsRequested && unread.length > 0 ? readAgain(unread, share) : undefined;
    share.connections.forEach((connection, index) => {
      const isUnread = states[index] === undefined && dependsOnKeepAlive(connection);
      const isEnded = isUnread && second !== undefined && hasEnded(connection, second.get(connection.cookie));
      this.#addRow(
        this.#row(connection, share, states[index], reading, second),
        isEnded,
        reading?.reasons?.get(connection.cookie),
      );
    });
  }

  #row(
    connection: HostConnection,
    { retries2 }: ListedNamespace,
    state: KeepAliveState | undefined,
    reading: OptionReading | undefined,
    second: SecondReading,
  ): ConnectionRow {
    const owners = this.#owners.byInode.get(connection.inode) ?? [];
    const place = this.#cgroups.placeOfSocket(connection.cgroupId, owners[0]?.pid);
    const told = this.#areOptionsRequested ? toldByTimers(connection, second?.get(connection.cookie)) : null;
    const unreachable = state === undefined ? this.#whyUnreachable(connection, reading) : null;
    const parts = { keepAlive: state ?? told, owners, place, retries2, unreachable, behindMs: this.#behindMs };
    return connectionRow(connection, parts, this.#judge);
  }

  #whyUnreachable(connection: HostConnection, reading: OptionReading | undefined): string | null {
    return whyUnowned(this.#owners, connection) ?? reading?.reasons?.get(connection.cookie) ?? this.#refused;
  }

  /** Notes what a row lacks. */
  #noteMissing({ connection, owners, keepAlive }: ConnectionRow, reason: string | undefined): void {
    if (owners.length === 0 && connection.inode !== 0) this.lacksOwners = true;
    const isRead = keepAlive !== null && keepAlive.idle !== null;
    if (isRead || !hasOptions(connection)) return;
    this.lacksOptions = true;
    if (reason === undefined) return;
    this.unread.add(owners[0]?.pid, reason);
  }

  #addRow(row: ConnectionRow, isEnded: boolean, reason: string | undefined): void {
    const { connection, unreachable } = row;
    const isMeant = this.#matcher.matches(row);
    if (isMeant) this.rows.push(row);
    if (isEnded) return;
    if (isMeant) this.#noteMissing(row, reason);
    if (!isMeant) {
      const { hidden } = this.#owners;
      if (this.#matcher.mayMean(row, hidden)) this.undecided.add(connection, unreachable ?? hidden?.why ?? notRead);
    } else if (this.#areOptionsRequested && row.verdict === null && dependsOnKeepAlive(connection)) {
      this.unjudged.add(connection, unreachable ?? (row.keepAlive === null ? notRead : retriesNotRead));
    }
  }
}

/** Returns whether a connection had ended at the second reading: it is gone, or its program has closed it. */
function hasEnded({ inode }: HostConnection, second: HostConnection | undefined): boolean {
  return second === undefined || (inode !== 0 && second.inode === 0);
}
