import { lstatSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { kindOfFile, readRegularFile } from '../regular-file.js';
import { attempt, codeOf } from './failed-call.js';
import { FileError } from './file-error.js';

/** A file as it was when it was looked at. */
export interface FoundFile {
  readonly content: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Changes with whatever is done to the file. */
  readonly version: string;
}

/** More bytes than any file of settings or record of changes has. */
export const maxBytes = 4 * 1024 * 1024;
const regular = 'a regular file of your own, with one name';

function versionOf(status: Stats): string {
  return [status.dev, status.ino, status.size, status.mtimeMs, status.ctimeMs].join(':');
}

function statusOf(file: string): Stats | undefined {
  try {
    return lstatSync(file);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    return attempt('lstat', file, () => lstatSync(file));
  }
}

function versionNow(file: string): string | undefined {
  const status = statusOf(file);
  return status === undefined ? undefined : versionOf(status);
}

function refuseDirectory(file: string): void {
  const directory = path.dirname(file);
  try {
    if (statSync(directory).isDirectory()) return;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') {
      const found = `cannot be made: the directory ${directory} is missing`;
      throw new FileError(file, 'missing-directory', found, 'a directory that exists', `mkdir -p ${directory}`);
    }
    attempt('stat', directory, () => statSync(directory));
  }
  throw new FileError(
    file,
    'missing-directory',
    `cannot be made: ${directory} is no directory`,
    regular,
    'name another',
  );
}

function linkAdvice(file: string): string {
  try {
    return `name the file it leads to, ${realpathSync(file)}`;
  } catch {
    return 'it leads nowhere; remove it or name another';
  }
}

function refuseKind(file: string, status: Stats): void {
  const refuse = (reason: FileError['reason'], found: string, advice: string) => {
    throw new FileError(file, reason, found, regular, advice);
  };
  if (status.isSymbolicLink()) {
    refuse('symlink', `is a symbolic link to ${readlinkSync(file)}`, linkAdvice(file));
  }
  if (status.isDirectory()) refuse('directory', 'is a directory', 'name a file in it');
  if (!status.isFile()) refuse('not-regular', `is ${kindOfFile(status)}`, 'name another');
  if (status.nlink > 1) refuse('hard-linked', `has ${status.nlink} names (hard links)`, 'copy it to break the link');
  if ((status.mode & 0o222) === 0) refuse('read-only', 'is read-only for everyone', 'chmod u+w it if it may change');
  if (status.size > maxBytes) refuse('too-large', `has ${status.size} bytes`, `at most ${maxBytes} are read`);
}

/** How often a file is read at most, because somebody replaces it meanwhile. */
const greatestAttempts = 10;

/**
 * Reads a file that is going to be replaced; `undefined` where there is none yet.
 *
 * @throws {FileError} if the file must not be replaced, with the reason; nothing has been opened then.
 */
export function findFile(file: string): FoundFile | undefined {
  refuseDirectory(file);
  for (let attempts = 1; ; attempts += 1) {
    const status = statusOf(file);
    if (status === undefined) return undefined;
    refuseKind(file, status);
    const content = attempt('read', file, () => readRegularFile(file, maxBytes));
    const { mode, uid, gid } = status;
    const version = versionOf(status);
    if (versionNow(file) === version) return { content, mode: mode & 0o7777, uid, gid, version };
    if (attempts === greatestAttempts) refuseChanged(file, version);
  }
}

/** @throws {FileError} if a file is not this user's own. */
export function refuseOtherOwner(file: string, found: FoundFile | undefined): void {
  const self = process.geteuid?.() ?? 0;
  if (found === undefined || found.uid === self) return;
  const what = `belongs to user ${found.uid}, and you are ${self}`;
  throw new FileError(file, 'other-owner', what, regular, 'run it as the owner, or chown it');
}

/** @throws {FileError} if a file is no longer as it was found. */
export function refuseChanged(file: string, version: string | undefined): void {
  if (versionNow(file) === version) return;
  throw new FileError(file, 'changed', 'was changed by somebody else just now', 'a file at rest', 'run it again');
}
