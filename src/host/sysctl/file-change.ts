import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { syncDirectory } from '../sync-directory.js';
import { attempt, codeOf } from './failed-call.js';
import { FileError } from './file-error.js';
import { type FoundFile, findFile } from './found-file.js';

/** A file as it is, and as it is going to be. */
export interface FileChange {
  readonly path: string;
  readonly found: FoundFile | undefined;
  /** `undefined` if the file is going to be removed. */
  readonly content: Buffer | undefined;
  /** Of a file that does not exist yet. */
  readonly mode: number;
  readonly gid?: number | undefined;
}

function hasContent(file: FoundFile | undefined, content: Buffer | undefined): boolean {
  return file === undefined || content === undefined ? file === content : file.content.equals(content);
}

/** Returns what a change does to the file. */
export function actionOf({ found, content }: FileChange): 'created' | 'changed' | 'unchanged' | 'removed' {
  if (hasContent(found, content)) return 'unchanged';
  if (content === undefined) return 'removed';
  return found === undefined ? 'created' : 'changed';
}

/** Returns that a file is not this user's own; undefined if it is. */
export function foreignOwner(found: FoundFile | undefined): string | undefined {
  const self = process.geteuid?.() ?? 0;
  return found && found.uid !== self ? `belongs to user ${found.uid}, and you are ${self}` : undefined;
}

/** @throws {FileError} if a file is not this user's own. */
export function assertOwn(file: string, found: FoundFile | undefined): void {
  const problem = foreignOwner(found);
  if (problem !== undefined) throw new FileError(file, 'other-owner', problem, 'run it as the owner, or chown it');
}

function removeIfPresent(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

type Content = Pick<FileChange, 'mode' | 'gid'> & { readonly content: Buffer };

function writeTemporary(temporary: string, { content, mode, gid }: Content): void {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const fd = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    writeFileSync(fd, content);
    const { uid, gid: own } = fstatSync(fd);
    if (gid !== undefined && gid !== own) fchownSync(fd, uid, gid);
    fchmodSync(fd, mode);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Replaces or removes a file at once: a reader, and a kill at any moment, finds the old file or the new one. */
function put(file: string, found: FoundFile | undefined, wanted: Content | undefined): void {
  const directory = path.dirname(file);
  // Hidden, and without `.conf` at its end, so that nothing reads it as a file of settings.
  const temporary = path.join(directory, '.tcp-keepalive-new');
  assertOwn(file, found);
  try {
    // A process that was killed may have left one. The lock of the record lets no other process write one now.
    attempt('unlink', temporary, () => removeIfPresent(temporary));
    if (wanted !== undefined) attempt('write', file, () => writeTemporary(temporary, wanted));
    if (!isDeepStrictEqual(findFile(file), found)) {
      throw new FileError(file, 'changed', 'was changed by somebody else just now', 'run it again', 'a file at rest');
    }
    if (wanted === undefined) attempt('unlink', file, () => unlinkSync(file));
    else attempt('rename', file, () => renameSync(temporary, file));
  } catch (error) {
    try {
      removeIfPresent(temporary);
    } catch {
      // Nothing reads it as settings, and the error that came first says more.
    }
    throw error;
  }
  attempt('fsync', directory, () => syncDirectory(directory));
}

/** Makes a change of a file. Mode and group of a file that exists stay. */
export function writeFileChange(change: FileChange): void {
  const { path: file, found, content, mode, gid } = change;
  if (actionOf(change) === 'unchanged') return;
  put(file, found, content && { content, mode: found?.mode ?? mode, gid: found?.gid ?? gid });
}

/** Restores a file as it was before a change, unless the file is as before. */
export function restoreFile({ path: file, found, content }: FileChange): void {
  const now = findFile(file);
  if (hasContent(now, found?.content)) return;
  if (!hasContent(now, content)) {
    const what = 'was changed by somebody else just now';
    throw new FileError(file, 'changed', what, 'look at it', 'the file as it was left');
  }
  try {
    put(file, now, found);
  } catch (error) {
    // If only the sync of the directory failed, the file is restored nevertheless.
    if (!hasContent(findFile(file), found?.content)) throw error;
  }
}
