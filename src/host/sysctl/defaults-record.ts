import { existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { withDirectoryLock } from '../../native/directory-lock.js';
import { type KernelDefaults, keepAliveSysctls, sysctlNumber } from '../../socket/kernel-defaults.js';
import { bootId, bootIdFile } from '../boot-id.js';
import { type BootRecord, parsed, recordIn } from '../change/record.js';
import { syncDirectory } from '../sync-directory.js';
import { attempt, codeOf } from './failed-call.js';
import type { FileChange } from './file-change.js';
import { FileError } from './file-error.js';
import { findFile } from './found-file.js';
import { pathInRoot } from './path-in-root.js';

/** A change of the kernel's defaults, in a record for `--undo`. */
export interface RecordedDefaults {
  readonly netns: number;
  readonly before: KernelDefaults;
  readonly after: KernelDefaults;
  /** `before` is null if the file did not exist. */
  readonly file: {
    readonly path: string;
    readonly before: { readonly base64: string; readonly mode: number; readonly gid: number } | null;
    readonly afterBase64: string;
  } | null;
}

/** Returns the path of the record: it must outlive a reboot, and no reader of configuration may find it. */
export function recordPath(root: string): string {
  return path.join(pathInRoot(root, 'var/lib/tcp-keepalive'), 'defaults-undo.json');
}

/** Returns whether a value has a number for each sysctl, which are ints in the kernel. */
function areDefaults(value: KernelDefaults | undefined): boolean {
  if (value === undefined || value === null) return false;
  const numbers = keepAliveSysctls.map((sysctl) => sysctlNumber(sysctl, value));
  return numbers.every((number) => Number.isInteger(number) && Math.abs(number) < 2 ** 31);
}

function isBase64(value: unknown): value is string {
  return typeof value === 'string' && Buffer.from(value, 'base64').toString('base64') === value;
}

function isChange(value: unknown): value is RecordedDefaults {
  const { netns, before, after, file } = (value ?? {}) as Partial<RecordedDefaults>;
  if (typeof netns !== 'number' || !areDefaults(before) || !areDefaults(after)) return false;
  if (file === null) return true;
  if (typeof file?.path !== 'string' || !path.isAbsolute(file.path) || !isBase64(file.afterBase64)) return false;
  const { base64, mode, gid } = file.before ?? { base64: '', mode: 0, gid: 0 };
  return isBase64(base64) && Number.isInteger(gid) && gid >= 0 && Number.isInteger(mode) && (mode & ~0o7777) === 0;
}

/** Returns the boot of the running kernel, and this process's network namespace. */
export function runningKernel(): { bootId: string; netns: number } {
  const namespace = '/proc/self/ns/net';
  return {
    bootId: attempt('read', bootIdFile, bootId),
    netns: attempt('stat', namespace, () => statSync(namespace).ino),
  };
}

/**
 * Returns the record's file and the changes in it; undefined if there is no record. The second change is the one before,
 * for a kill before anything of the first was changed.
 */
export function readDefaultsRecord(root: string) {
  const file = recordPath(root);
  const found = existsSync(path.dirname(file)) ? findFile(file) : undefined;
  if (found === undefined) return undefined;
  const record = recordIn(parsed(found.content.toString('utf8')), isChange);
  if (typeof record !== 'string' && record.changed.length > 0) return { found, ...record };
  throw new FileError(file, 'damaged', 'is no record of a change', 'move it away', 'what this program wrote');
}

/** Returns the content of a record. */
export function recordContent(boot: string, changed: readonly RecordedDefaults[]): Buffer {
  const record: BootRecord<RecordedDefaults> = { bootId: boot, changed };
  return Buffer.from(`${JSON.stringify(record, null, 2)}\n`);
}

/**
 * Returns the record of a change that is going to be made. The record replaces the one of the change before.
 *
 * @throws {FileError} if the file is there, but is not a record.
 */
export function plannedRecord(
  root: string,
  { before, after, file }: { before: KernelDefaults; after: KernelDefaults; file: FileChange | undefined },
): FileChange {
  const { found, content } = file ?? {};
  const recorded = found && { base64: found.content.toString('base64'), mode: found.mode, gid: found.gid };
  const { bootId: boot, netns } = runningKernel();
  const change: RecordedDefaults = {
    netns,
    before,
    after,
    file:
      file && content ? { path: file.path, before: recorded ?? null, afterBase64: content.toString('base64') } : null,
  };
  const last = readDefaultsRecord(root);
  // After a restart the namespaces are new.
  const previous = last?.changed.slice(0, 1).map((old) => (last.bootId === boot ? old : { ...old, netns })) ?? [];
  return {
    path: recordPath(root),
    found: last?.found,
    mode: 0o600,
    content: recordContent(boot, [change, ...previous]),
  };
}

/** A change takes milliseconds; the rest is for a disk that syncs slowly. */
const lockedWithinMs = 10_000;

/**
 * Runs `action` while no other process changes the record or the files in it. Creates the record's directory, but none
 * above it.
 *
 * @throws {SystemCallError} if another process holds the lock for longer than 10 s.
 */
export function withRecordLock<Result>(root: string, action: () => Result): Result {
  const directory = path.dirname(recordPath(root));
  attempt('mkdir', directory, () => {
    try {
      mkdirSync(directory, { mode: 0o700 });
      syncDirectory(path.dirname(directory));
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  });
  return withDirectoryLock(directory, lockedWithinMs, action);
}
