import { existsSync, lstatSync, readlinkSync, realpathSync, type Stats } from 'node:fs';
import path from 'node:path';
import { kindOfFile, readRegularFile } from '../regular-file.js';
import { codeOf, failedCall } from './failed-call.js';
import { FileError, type FileRefusal } from './file-error.js';

/** A file that may be replaced. */
export interface FoundFile {
  readonly content: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** More bytes than any file of settings or record of changes has. */
export const maxBytes = 4 * 1024 * 1024;

function linkAdvice(file: string): string {
  try {
    return `name the file it leads to, ${realpathSync(file)}`;
  } catch {
    return 'it leads nowhere; remove it or name another';
  }
}

function assertReplaceable(file: string, status: Stats): void {
  const refuse = (reason: FileRefusal, found: string, advice: string) => {
    throw new FileError(file, reason, found, advice);
  };
  const { mode, nlink, size } = status;
  if (status.isSymbolicLink()) refuse('symlink', `is a symbolic link to ${readlinkSync(file)}`, linkAdvice(file));
  if (status.isDirectory()) refuse('directory', 'is a directory', 'name a file in it');
  if (!status.isFile()) refuse('not-regular', `is ${kindOfFile(status)}`, 'name another');
  if (nlink > 1) refuse('hard-linked', `has ${nlink} names (hard links)`, 'copy it to break the link');
  if ((mode & 0o222) === 0) refuse('read-only', 'is read-only for everyone', 'chmod u+w it if it may change');
  if (size > maxBytes) refuse('too-large', `has ${size} bytes`, `at most ${maxBytes} are read`);
}

/**
 * Reads a file that is going to be replaced. Returns undefined if the file does not exist, but its directory does.
 *
 * @throws {FileError} if the file must not be replaced; nothing has been opened then.
 */
export function findFile(file: string): FoundFile | undefined {
  try {
    const status = lstatSync(file);
    assertReplaceable(file, status);
    const { mode, uid, gid } = status;
    return { content: readRegularFile(file, maxBytes), mode: mode & 0o7777, uid, gid };
  } catch (error) {
    const directory = path.dirname(file);
    const isMissing = codeOf(error) === 'ENOENT';
    if (isMissing && existsSync(directory)) return undefined;
    if (!isMissing && codeOf(error) !== 'ENOTDIR')
      throw error instanceof FileError ? error : failedCall('read', file, error);
    const found = `cannot be made: the directory ${directory} is ${isMissing ? 'missing' : 'no directory'}`;
    const advice = isMissing ? `mkdir -p ${directory}` : 'name another';
    throw new FileError(file, 'missing-directory', found, advice, 'a file in a directory that exists');
  }
}
