import type { HostConnection } from './connection.js';
import { currentNamespace } from './dump.js';
import { type ListQuery, listThrough } from './listing.js';
import { chooseOptionSource } from './options/choice.js';
import { bootId, type ChangeRecord, isLeftBy, RecordError } from './record.js';
import { type FailedChange, makeChanges, type SetResult, type Wish } from './set.js';

/**
 * Puts back what recorded changes replaced, on those of the connections that are still there.
 *
 * A connection whose options were changed again since is left alone and named in `failed`. Connections that have ended
 * are passed over; `gone` counts them. Needs what {@link setConnections} needs. `file` is what errors call the record.
 *
 * Linux.
 *
 * @throws {RecordError} for a record of another boot; {@link UnsupportedError} and {@link SystemCallError} as
 * {@link setConnections}.
 */
export function undoChanges(
  record: ChangeRecord,
  file: string,
  { optionSource }: Pick<ListQuery, 'optionSource'> = {},
): SetResult & { readonly gone: number } {
  if (record.bootId !== bootId()) throw new RecordError(file, 'but what it holds was changed before the last restart');
  using chosen = chooseOptionSource(optionSource);
  const netns = [...new Set(record.changed.map((change) => change.netns))];
  const isAllOwn = netns.every((inode) => inode === currentNamespace());
  const { rows, incomplete } = listThrough(chosen, { selection: isAllOwn ? {} : { netns } });
  const rowOf = new Map(rows.map((row) => [row.connection.cookie, row]));
  const wishes: Wish[] = [];
  const failed: FailedChange[] = [];
  let gone = 0;
  for (const change of record.changed) {
    const row = rowOf.get(BigInt(change.cookie));
    if (row === undefined) gone += 1;
    else if (row.keepAlive === null)
      failed.push({ connection: row.connection, error: 'its options could not be read' });
    else if (!isLeftBy(change, row.keepAlive)) failed.push(changedSince(row.connection));
    else wishes.push({ row, wanted: change.before });
  }
  const result = makeChanges(chosen, wishes);
  return { ...result, failed: [...failed, ...result.failed], incomplete: [...incomplete, ...result.incomplete], gone };
}

function changedSince(connection: HostConnection): FailedChange {
  return { connection, error: 'its options were changed again since, and are left as they are' };
}
