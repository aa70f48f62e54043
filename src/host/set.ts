import { SystemCallError, UnsupportedError } from '../native/index.js';
import type { ValidPolicy } from '../policy/index.js';
import { type PolicyInput, readPolicy } from '../policy/index.js';
import type { KeepAliveState } from '../socket/index.js';
import type { HostConnection, Incomplete } from './connection.js';
import { fromWorker, isWorker } from './from-worker.js';
import { type ListQuery, listThrough, referenceTo } from './listing.js';
import { byNamespace } from './namespace-of.js';
import { type ChosenSource, chooseOptionSource } from './options/choice.js';
import { assignmentsFor, type OptionOutcome, type OptionSource, type WantedOptions } from './options/source.js';
import { sourceWithin } from './options/within.js';
import type { ConnectionRow } from './row.js';

/** A connection and what setting it came to. */
export interface Change {
  readonly connection: HostConnection;
  readonly before: KeepAliveState;
  readonly after: KeepAliveState;
}

/** A connection that does not have what was wanted, and why; it is as it was. */
export interface FailedChange {
  readonly connection: HostConnection;
  readonly error: string;
}

/** What setting came to: every connection that was selected is in `changed` or in `failed`. */
export interface SetResult {
  readonly changed: readonly Change[];
  readonly failed: readonly FailedChange[];
  /** What could not be found out, so that connections may be missing, and why. */
  readonly incomplete: readonly Incomplete[];
}

/** A row that is to have other options. */
export interface Wish {
  readonly row: ConnectionRow;
  readonly wanted: WantedOptions;
}

/** What a state becomes when a policy is set on it. */
function foreseen(before: KeepAliveState, policy: ValidPolicy | false): KeepAliveState {
  const after: Record<string, unknown> = { ...before };
  for (const { field, state } of assignmentsFor(policy)) after[field] = state;
  return after as unknown as KeepAliveState;
}

/** Makes each change, in each network namespace what belongs there. */
export function makeChanges({ source, refused }: ChosenSource, wishes: readonly Wish[]): SetResult {
  const changed: Change[] = [];
  const failed: FailedChange[] = [];
  const why = refused.map((line) => line.why).join('; ');
  if (source === undefined) {
    return {
      changed,
      failed: wishes.map(({ row }) => ({ connection: row.connection, error: why })),
      incomplete: refused,
    };
  }
  const { shares, gone } = byNamespace(wishes, ({ row }) => row.connection);
  for (const { namespace, items } of shares) {
    const outcomes = writeWishes(sourceWithin(source, namespace), items);
    items.forEach((wish, index) => {
      sortOutcome(wish.row.connection, outcomes[index] as OptionOutcome, changed, failed);
    });
  }
  for (const { row } of gone) failed.push({ connection: row.connection, error: 'its network namespace is gone' });
  return { changed, failed, incomplete: [] };
}

/** What became of each wish; where the call could do nothing at all, that, so that what was changed before is not lost. */
function writeWishes(source: OptionSource, wishes: readonly Wish[]): OptionOutcome[] {
  const changes = wishes.map(({ row, wanted }) => ({ socket: referenceTo(row.connection, row.owners), wanted }));
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
  { before, after, error }: OptionOutcome,
  changed: Change[],
  failed: FailedChange[],
): void {
  if (error === undefined && before !== undefined && after !== undefined) changed.push({ connection, before, after });
  else failed.push({ connection, error: error ?? 'what it had before could not be read' });
}

/** States in which options have no effect any more, or not yet. */
const beyondChange = new Set(['TIME_WAIT', 'SYN_RECV', 'CLOSE']);

function foresee({ row, policy }: { row: ConnectionRow; policy: ValidPolicy | false }): Change | FailedChange {
  const { connection, keepAlive } = row;
  if (keepAlive === null) return { connection, error: 'its options could not be read' };
  return { connection, before: keepAlive, after: foreseen(keepAlive, policy) };
}

/**
 * Gives live connections and listeners of other processes a keepalive policy, or turns keepalive off with `false`.
 *
 * A listener's future connections inherit. What cannot be set is named in `failed` with the reason and is as it was;
 * the rest go on. TIME_WAIT, SYN_RECV and CLOSE are passed over. What has all of it
 * already is in `changed` with `before` as `after`. Needs the processes' own user, or CAP_SYS_PTRACE (Linux 5.6), or CAP_BPF
 * and CAP_PERFMON (Linux 6.1 that is free of CVE-2026-74714). The processes' blocking mode is never touched. `dryRun` shows
 * what would change.
 *
 * Linux.
 *
 * @throws {PolicyError} for a policy that the kernel would refuse; {@link UnsupportedError} on other platforms, and where
 * the kernel has no inet_diag; {@link SystemCallError} as the kernel refuses the list.
 */
export function setConnections(query: ListQuery, policy: PolicyInput | false, dryRun = false): SetResult {
  const valid = policy === false ? false : readPolicy(policy);
  if (isWorker()) return fromWorker('setConnections', [query, policy, dryRun]);
  using chosen = chooseOptionSource(query.optionSource);
  // What a change replaces is read when it is made.
  const needsOptions = dryRun || query.selection?.verdict !== undefined;
  const listing = listThrough(needsOptions ? chosen : undefined, query);
  const rows = listing.rows.filter(({ connection }) => !beyondChange.has(connection.state));
  if (!dryRun) {
    const result = makeChanges(
      chosen,
      rows.map((row) => ({ row, wanted: valid })),
    );
    return { ...result, incomplete: [...listing.incomplete, ...result.incomplete] };
  }
  const expected = rows.map((row) => foresee({ row, policy: valid }));
  return {
    changed: expected.filter((change): change is Change => 'after' in change),
    failed: expected.filter((change): change is FailedChange => 'error' in change),
    incomplete: listing.incomplete,
  };
}
