import { SystemCallError, UnsupportedError } from '../../native/errors.js';
import { ConfigurationError } from '../../policy/configuration-error.js';
import { OptionsCheck } from '../../policy/options-check.js';
import { isOff, type PolicyInput } from '../../policy/policy.js';
import { type KeepAliveState, sameSettings } from '../../policy/settings.js';
import { fromWorker, isWorker } from '../from-worker.js';
import type { HostConnection, Omission } from '../list/connection.js';
import { assertListQuery, type ListQuery } from '../list/list-query.js';
import { listThrough, referenceTo } from '../list/listing.js';
import type { NotJudged } from '../list/not-judged.js';
import { type ConnectionRow, isOrphan } from '../list/row.js';
import { groupByNamespace } from '../namespaces/group-by-namespace.js';
import { type ChosenSource, chooseOptionSource } from '../options/choice.js';
import {
  isNumbersOnly,
  type OptionOutcome,
  type OptionSource,
  type WantedOptions,
  writesFor,
} from '../options/source.js';
import { sourceWithin } from '../options/within.js';
import { askUnanswered } from './ask-unanswered.js';
import { WantedPolicy } from './wanted-policy.js';

/** A connection and what setting it came to. */
export interface Change {
  readonly connection: HostConnection;
  readonly before: KeepAliveState;
  readonly after: KeepAliveState;
  /**
   * Probes or retransmissions that the peer had not answered; only where `after` differs from the policy because of them,
   * or because the peer's window is closed (0): probes are added to the count, and a user timeout is longer or left out,
   * so that the kernel does not end the connection for what it sent before.
   */
  readonly unanswered?: number;
}

/** A connection that did not get the wanted options, and why. It is unchanged, unless `isUnsure`. */
export interface FailedChange {
  readonly connection: HostConnection;
  readonly error: string;
  /** True if restoring failed too, so that the connection may have some of the wanted options. */
  readonly isUnsure?: true;
}

/** The result of changes. */
export interface Changes {
  readonly changed: readonly Change[];
  readonly failed: readonly FailedChange[];
  /** Facts that could not be read, and why; connections may be missing because of them. */
  readonly incomplete: readonly Omission[];
}

/** The result of setting: every selected connection is in `changed` or in `failed`, or passed over. */
export interface SetResult extends Changes {
  /** How many connections were passed over because their programs have closed them: orphans and TIME_WAIT. */
  readonly orphans: number;
  /** Sockets that the selection may mean, but that could not be matched with it; they are unchanged. */
  readonly undecided: NotJudged;
  /** Whether every connection was listed; false if a namespace could not be entered, for example. */
  readonly isWhole: boolean;
}

/** Which connections to set: a selection with at least one filter, or explicitly all. */
export type SetQuery = ListQuery & {
  /** Every connection of this network namespace; with `allNetns`, of the machine. Default: false. */
  readonly all?: boolean;
};

/** How options are set. */
export interface SetOptions {
  /** Changes nothing; the result shows what would change. Default: false. */
  readonly dryRun?: boolean;
  /**
   * Sets the numbers of the policy alone: keepalive stays on or off as it is on each connection. Default: false, a policy turns
   * keepalive on.
   */
  readonly onlyNumbers?: boolean;
  /**
   * Called with the planned changes, before the first change; if it throws, nothing is changed. With it, connections whose
   * options could not be read are not changed either. The old options are read again at the time of the change. Only in the
   * main thread.
   */
  readonly onPlan?: (planned: readonly Change[]) => void;
}

function assertSetQuery(query: SetQuery): void {
  assertListQuery('setConnections', query, ['all']);
  const { selection = {}, all = false } = query;
  if (all || Object.values(selection).some((values) => values !== undefined)) return;
  const allowed = "a selection with a filter, such as parseSelection({ port: '5432' }), or `all: true` instead";
  throw new ConfigurationError('setConnections', 'selection', query.selection, allowed);
}

/** A row that is to have other options. */
export interface PlannedChange {
  readonly row: ConnectionRow;
  readonly wanted: WantedOptions;
}

/** Returns the state that setting options makes of a state. */
function foreseen(before: KeepAliveState, wanted: WantedOptions): KeepAliveState {
  const after: Record<string, unknown> = { ...before };
  for (const { field, state } of writesFor(wanted)) after[field] = state;
  return after as unknown as KeepAliveState;
}

/** Makes each change, in each network namespace what belongs there. */
export function makeChanges({ source, refused }: ChosenSource, planned: readonly PlannedChange[]): Changes {
  const changed: Change[] = [];
  const failed: FailedChange[] = [];
  const why = refused.map((line) => line.why).join('; ');
  if (source === undefined) {
    return {
      changed,
      failed: planned.map(({ row }) => ({ connection: row.connection, error: why })),
      incomplete: refused,
    };
  }
  const { shares, gone } = groupByNamespace(planned, ({ row }) => row.connection);
  const enabling = planned.filter(({ wanted }) => isNumbersOnly(wanted) || !isOff(wanted));
  const seen = askUnanswered(enabling.map(({ row }) => row.connection));
  for (const { namespace, items } of shares) {
    const outcomes = writePlanned(sourceWithin(source, namespace), items, seen);
    items.forEach((change, index) => {
      sortOutcome(change.row.connection, outcomes[index] as OptionOutcome, changed, failed);
    });
  }
  for (const { row } of gone) failed.push({ connection: row.connection, error: 'its network namespace is gone' });
  return { changed, failed, incomplete: [] };
}

/** Returns the outcome of each change. If the whole call fails, its error is each outcome, so that earlier changes are kept. */
function writePlanned(
  source: OptionSource,
  planned: readonly PlannedChange[],
  seen: ReadonlyMap<bigint, HostConnection>,
): OptionOutcome[] {
  const changes = planned.map(({ row: { connection, owners, unreachable }, wanted }) => ({
    socket: referenceTo(connection, owners, unreachable),
    wanted,
    info: (seen.get(connection.cookie) ?? connection).info ?? undefined,
  }));
  try {
    return source.write(changes);
  } catch (error) {
    if (!(error instanceof SystemCallError || error instanceof UnsupportedError)) throw error;
    const { message } = error;
    return changes.map(({ socket: { cookie } }) => ({ cookie, before: undefined, after: undefined, error: message }));
  }
}

function sortOutcome(
  connection: HostConnection,
  { before, after, error, unanswered }: OptionOutcome,
  changed: Change[],
  failed: FailedChange[],
): void {
  if (error === undefined && before !== undefined && after !== undefined) {
    changed.push({ connection, before, after, ...(unanswered === undefined ? {} : { unanswered }) });
    return;
  }
  const reason = error ?? 'what it had before could not be read';
  const isAsBefore = before === undefined || (after !== undefined && sameSettings(before, after));
  failed.push({ connection, error: reason, ...(isAsBefore ? {} : { isUnsure: true }) });
}

/** States in which options have no effect any more, or not yet. */
const beyondChange = new Set(['TIME_WAIT', 'SYN_RECV', 'CLOSE']);

/** Returns why a connection's options are not known. */
export function unreadError({ unreachable }: ConnectionRow): string {
  return unreachable ?? 'its options could not be read';
}

/** The intended changes; their foreseen results, if the present options are read; and the connections that cannot be changed. */
interface Plan {
  readonly intended: readonly PlannedChange[];
  readonly foreseen: readonly Change[];
  readonly failed: readonly FailedChange[];
}

/** Plans the changes of a policy. A change that is not in the plan could not be restored: if options are read, each needs its own. */
function planChanges(rows: readonly ConnectionRow[], policy: WantedPolicy, areOptionsRead: boolean): Plan {
  const intended: PlannedChange[] = [];
  const changes: Change[] = [];
  const failed: FailedChange[] = [];
  for (const row of rows) {
    const { connection, keepAlive } = row;
    const before = areOptionsRead && keepAlive !== null && keepAlive.idle !== null ? keepAlive : undefined;
    const found = policy.for(connection.netns, before);
    if (areOptionsRead && before === undefined) failed.push({ connection, error: unreadError(row) });
    else if ('why' in found) failed.push({ connection, error: found.why });
    else {
      intended.push({ row, wanted: found.wanted });
      if (before !== undefined) changes.push({ connection, before, after: foreseen(before, found.wanted) });
    }
  }
  return { intended, foreseen: changes, failed };
}

/**
 * Gives live connections and listeners of other processes a keepalive policy, or turns keepalive off with `false` or `'off'`.
 *
 * A listener's future connections inherit. A connection that cannot be set is in `failed` with the reason, and unchanged; the
 * others are set nevertheless. TIME_WAIT, SYN_RECV, CLOSE and orphans are passed over. A connection that has the policy
 * already is in `changed` with `before` as `after`. If an object with `userTimeout: 'auto'` leaves out idle, interval or count,
 * the user timeout is computed for each connection, from the numbers that the connection will have. `'system'` is the default of the connection's own network
 * namespace. Needs the processes' own user, or CAP_SYS_PTRACE (Linux 5.6), or CAP_BPF
 * and CAP_PERFMON (Linux 6.1 that is free of CVE-2026-74714). The processes' blocking mode is never touched.
 *
 * Linux.
 *
 * @example
 * const query = { selection: parseSelection({ port: 'local:5432' }) };
 * const { changed, failed } = setConnections(query, '30:5:3:auto', { dryRun: true });
 * @throws {ConfigurationError} if the query has no filter and not `all: true`, or a name in it is not known.
 * @throws {PolicyError} if the kernel would refuse the policy.
 * @throws {UnsupportedError} on other platforms, and if the kernel has no inet_diag.
 * @throws {SystemCallError} if the kernel refuses the list.
 */
export function setConnections(query: SetQuery, policy: PolicyInput | boolean, options: SetOptions = {}): SetResult {
  assertSetQuery(query);
  const check = new OptionsCheck('setConnections', options, ['dryRun', 'onlyNumbers', 'onPlan']);
  check.booleans('dryRun', 'onlyNumbers');
  const { dryRun = false, onlyNumbers = false, onPlan } = options;
  if (onPlan !== undefined && typeof onPlan !== 'function') check.refuse('onPlan', 'a function');
  const wanted = new WantedPolicy(policy, onlyNumbers);
  if (isWorker()) {
    if (onPlan !== undefined) throw new UnsupportedError('`onPlan` in a worker thread', 'the main thread');
    return fromWorker('setConnections', [query, policy, { dryRun, onlyNumbers }]);
  }
  using chosen = chooseOptionSource(query.optionSource);
  const isForeseen = dryRun || onPlan !== undefined || wanted.needsState;
  const needsOptions = isForeseen || query.selection?.verdict !== undefined;
  const listing = listThrough(needsOptions ? chosen : undefined, { ...query, findMissed: true });
  const orphans = listing.rows.filter(({ connection }) => isOrphan(connection)).length;
  const rows = listing.rows.filter(({ connection }) => !beyondChange.has(connection.state) && !isOrphan(connection));
  const { undecided, isWhole, incomplete } = listing;
  const plan = planChanges(rows, wanted, isForeseen);
  if (dryRun) {
    return { changed: plan.foreseen, failed: plan.failed, incomplete, orphans, undecided, isWhole };
  }
  onPlan?.(plan.foreseen);
  const result = makeChanges(chosen, plan.intended);
  return {
    ...result,
    failed: [...plan.failed, ...result.failed],
    incomplete: [...incomplete, ...result.incomplete],
    orphans,
    undecided,
    isWhole,
  };
}
