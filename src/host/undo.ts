import { readFileSync, writeFileSync } from 'node:fs';
import type { KeepAliveState } from '../socket/index.js';
import type { HostConnection } from './connection.js';
import { currentNamespace } from './dump.js';
import { fromWorker, isWorker } from './from-worker.js';
import { type ListQuery, listThrough } from './listing.js';
import { chooseOptionSource } from './options/choice.js';
import { type Change, type FailedChange, makeChanges, type SetResult, type Wish } from './set.js';

/** A change as it is kept to be undone: enough to know the connection again, also from another one with its addresses. */
export interface RecordedChange {
  readonly netns: number;
  readonly cookie: string;
  readonly before: KeepAliveState;
  readonly after: KeepAliveState;
}

/** Changes that were made since a boot; cookies and namespaces mean nothing after another one. */
export interface ChangeRecord {
  readonly bootId: string;
  readonly changed: readonly RecordedChange[];
}

/** Thrown when a file cannot be, or is not, a record of changes. `file` is which, `allowed` says what it must be. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
  readonly code = 'ERR_CHANGE_RECORD';
  readonly file: string;
  readonly allowed: string;

  constructor(file: string, given: string, allowed = 'what `set --json` or `set --record FILE` wrote') {
    super(`${file} must be ${allowed}, ${given}`);
    this.file = file;
    this.allowed = allowed;
  }
}

/** Identifies this boot of the machine. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** The record of changes, as JSON keeps it, for {@link undoChanges}; it is of use until the machine restarts. Linux. */
export function recordOf(changed: readonly Change[]): ChangeRecord {
  return {
    bootId: bootId(),
    changed: changed.map(({ connection, before, after }) => ({
      netns: connection.netns,
      cookie: String(connection.cookie),
      before,
      after,
    })),
  };
}

/** What the kernel can hold: an int. Sysctls may be anything that fits, and a socket that follows them has it. */
function isInt(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31;
}

function isSeconds(value: unknown): boolean {
  return typeof value === 'number' && isInt(value / 1000);
}

function isState(value: unknown): value is KeepAliveState {
  if (typeof value !== 'object' || value === null) return false;
  const { enabled, idle, interval, count, userTimeout } = value as Partial<KeepAliveState>;
  const isOf = isSeconds(idle) && isSeconds(interval) && isInt(count) && isInt(userTimeout);
  return typeof enabled === 'boolean' && isOf;
}

function isInode(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function isRecordedChange(value: unknown): value is RecordedChange {
  if (typeof value !== 'object' || value === null) return false;
  const { netns, cookie, before, after } = value as Partial<RecordedChange>;
  return isInode(netns) && typeof cookie === 'string' && /^\d{1,20}$/.test(cookie) && isState(before) && isState(after);
}

/**
 * Makes the file for a record before anything is changed, so that what is changed can be recorded.
 *
 * @throws {RecordError} for a file that exists already, which is left as it is, or cannot be made.
 */
export function reserveRecord(file: string): void {
  try {
    writeFileSync(file, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const given = code === 'EEXIST' ? 'but it exists already' : `and cannot be made: ${message}`;
    throw new RecordError(file, given, 'a new file');
  }
}

/**
 * Reads a record of changes.
 *
 * @throws {RecordError} for a file that cannot be read or holds something else.
 */
export function readRecord(file: string): ChangeRecord {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new RecordError(file, `and cannot be read: ${(error as Error).message}`);
  }
  const { bootId: boot, changed } = (content ?? {}) as Partial<ChangeRecord>;
  if (typeof boot !== 'string' || !Array.isArray(changed)) throw new RecordError(file, 'but it has no changes');
  const wrong = changed.findIndex((change) => !isRecordedChange(change));
  if (wrong >= 0) throw new RecordError(file, `but change ${wrong + 1} of it is not one`);
  return { bootId: boot, changed };
}

function sameState(a: KeepAliveState, b: KeepAliveState): boolean {
  return (['enabled', 'idle', 'interval', 'count', 'userTimeout'] as const).every((field) => a[field] === b[field]);
}

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
  if (isWorker()) return fromWorker('undoChanges', [record, file, { optionSource }], { RecordError });
  if (record.bootId !== bootId()) throw new RecordError(file, 'but what it holds was changed before the last restart');
  using chosen = chooseOptionSource(optionSource);
  const netns = [...new Set(record.changed.map((change) => change.netns))];
  const isAllOwn = netns.every((inode) => inode === currentNamespace());
  const { rows, incomplete } = listThrough(chosen, { selection: isAllOwn ? {} : { netns } });
  const rowOf = new Map(rows.map((row) => [row.connection.cookie, row]));
  const wishes: Wish[] = [];
  const failed: FailedChange[] = [];
  let gone = 0;
  for (const { cookie, before, after } of record.changed) {
    const row = rowOf.get(BigInt(cookie));
    if (row === undefined) gone += 1;
    else if (row.keepAlive === null)
      failed.push({ connection: row.connection, error: 'its options could not be read' });
    else if (!sameState(row.keepAlive, after)) failed.push(changedSince(row.connection));
    else wishes.push({ row, wanted: before });
  }
  const result = makeChanges(chosen, wishes);
  return { ...result, failed: [...failed, ...result.failed], incomplete: [...incomplete, ...result.incomplete], gone };
}

function changedSince(connection: HostConnection): FailedChange {
  return { connection, error: 'its options were changed again since, and are left as they are' };
}
