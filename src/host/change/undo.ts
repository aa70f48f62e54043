import { OptionsCheck } from '../../policy/options-check.js';
import { type KeepAliveState, sameSettings } from '../../policy/settings.js';
import { bootId } from '../boot-id.js';
import { currentNamespace } from '../dump/dump.js';
import { fromWorker, isWorker } from '../from-worker.js';
import type { HostConnection } from '../list/connection.js';
import { type ListQuery, optionMethods } from '../list/list-query.js';
import { type Listing, listThrough } from '../list/listing.js';
import { isOrphan } from '../list/row.js';
import { type NetworkNamespaces, networkNamespaces } from '../namespaces/network-namespaces.js';
import { chooseOptionSource } from '../options/choice.js';
import { assertRecord, type ChangeRecord, isLeftBy, RecordError } from './record.js';
import { type Change, type Changes, type FailedChange, makeChanges, type PlannedChange, unreadError } from './set.js';

/** The result of undoing: every recorded change is in `changed` or in `failed`, or counted. */
export interface UndoResult extends Changes {
  /** How many connections have ended. */
  readonly gone: number;
  /** How many connections could not be looked for, because their network namespace could not be entered or read. */
  readonly unknown: number;
}

/** Tells which recorded connections have ended, and which could not be looked for. */
function createSearch({ namespaces }: Listing): (netns: number) => 'gone' | 'unknown' {
  let found: NetworkNamespaces | undefined;
  return (netns) => {
    if (namespaces.has(netns)) return 'gone';
    found ??= networkNamespaces();
    return found.isWhole && found.namespaces.every(({ inode }) => inode !== netns) ? 'gone' : 'unknown';
  };
}

/** Sorts recorded changes: to restore, impossible to restore, or restored already. */
function planUndo({ changed }: ChangeRecord, listing: Listing) {
  const rowOf = new Map(listing.rows.map((row) => [row.connection.cookie, row]));
  const search = createSearch(listing);
  const planned: PlannedChange[] = [];
  const already: Change[] = [];
  const failed: FailedChange[] = [];
  const missing = { gone: 0, unknown: 0 };
  for (const change of changed) {
    const { netns, cookie, before } = change;
    const row = rowOf.get(BigInt(cookie));
    if (row === undefined || isOrphan(row.connection)) {
      missing[row === undefined ? search(netns) : 'gone'] += 1;
      continue;
    }
    const { connection, keepAlive } = row;
    if (keepAlive === null || keepAlive.idle === null) failed.push({ connection, error: unreadError(row) });
    else if (sameSettings(keepAlive, before)) already.push({ connection, before, after: before });
    else if (isLeftBy(change, keepAlive)) planned.push({ row, wanted: before });
    else failed.push(changedSince(connection));
  }
  return { planned, already, failed, missing };
}

/** Returns the result that making the changes would have. */
function foreseenChanges(planned: readonly PlannedChange[]): Changes {
  const changed = planned.map(({ row: { connection, keepAlive }, wanted }) => ({
    connection,
    before: keepAlive as KeepAliveState,
    after: wanted as KeepAliveState,
  }));
  return { changed, failed: [], incomplete: [] };
}

/** How recorded changes are undone. */
export interface UndoOptions extends Pick<ListQuery, 'optionSource'> {
  /** Changes nothing; the result shows what would be restored. Default: false. */
  readonly dryRun?: boolean;
}

/**
 * Restores the options that recorded changes replaced, on connections that still exist.
 *
 * A connection that has the old options already is in `changed` with `before` as `after`. A connection whose options were
 * changed again since is left alone and named in `failed`. `gone` counts connections that have ended, `unknown` connections
 * that could not be looked for. Needs the same rights as {@link setConnections}. Errors call the record `file`. `dryRun`
 * only shows what would be restored. Blocks the thread while it lists and sets. Linux.
 *
 * @example
 * const { changed, failed, gone } = undoChanges(readRecord('before.json'), 'before.json');
 * @throws {RecordError} if the record is of another boot; {@link UnsupportedError} and {@link SystemCallError} as
 * {@link setConnections}.
 */
export function undoChanges(record: ChangeRecord, file: string, options: UndoOptions = {}): UndoResult {
  const check = new OptionsCheck('undoChanges', options, ['optionSource', 'dryRun']);
  check.booleans('dryRun');
  check.oneOf('optionSource', optionMethods);
  assertRecord(record, String(file));
  const { optionSource, dryRun = false } = options;
  if (isWorker()) return fromWorker('undoChanges', [record, file, { optionSource, dryRun }], { RecordError });
  if (record.bootId !== bootId()) throw new RecordError(file, 'but what it holds was changed before the last restart');
  using chosen = chooseOptionSource(optionSource);
  const netns = [...new Set(record.changed.map((change) => change.netns))];
  const isAllOwn = netns.every((inode) => inode === currentNamespace());
  const listing = listThrough(chosen, { selection: isAllOwn ? {} : { netns }, findMissed: true });
  const { planned, already, failed, missing } = planUndo(record, listing);
  const result = dryRun ? foreseenChanges(planned) : makeChanges(chosen, planned);
  return {
    changed: [...already, ...result.changed],
    failed: [...failed, ...result.failed],
    incomplete: [...listing.incomplete, ...result.incomplete],
    ...missing,
  };
}

function changedSince(connection: HostConnection): FailedChange {
  return { connection, error: 'its options were changed again since, and are left as they are' };
}
