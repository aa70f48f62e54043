import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { attempt, codeOf } from './failed-call.js';
import { type FoundFile, refuseChanged, refuseOtherOwner } from './target-file.js';

/** What a file is to be: its bytes, and whose it is. */
export interface NewFile {
  readonly content: Uint8Array;
  readonly mode: number;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

function withDescriptor(file: string, flags: number, use: (fd: number) => void): void {
  const fd = openSync(file, flags, 0o600);
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}

/** Puts a directory's entries on the disk: until then a rename may be lost with the power. */
export function syncDirectory(directory: string): void {
  withDescriptor(directory, constants.O_RDONLY | constants.O_DIRECTORY, (fd) => {
    try {
      fsyncSync(fd);
    } catch (error) {
      // Some file systems cannot, and do not need it.
      if (codeOf(error) !== 'EINVAL') throw error;
    }
  });
}

const suffix = 'tcp-keepalive-new';

/** Hidden, and without `.conf` at its end, so that nothing reads it when a kill leaves it behind. */
function temporaryName(file: string, pid: number): string {
  return `.${path.basename(file)}.${pid}.${suffix}`;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

/** Removes what killed processes left of this file. */
function removeLeftovers(file: string): void {
  const directory = path.dirname(file);
  for (const name of readdirSync(directory)) {
    const pid = Number(name.split('.').at(-2));
    if (name !== temporaryName(file, pid)) continue;
    if (pid === process.pid || !isRunning(pid)) rmSync(path.join(directory, name), { force: true });
  }
}

function writeTemporary(temporary: string, { content, mode, uid, gid }: NewFile): void {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  withDescriptor(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, (fd) => {
    writeFileSync(fd, content);
    const made = fstatSync(fd);
    if ((uid ?? made.uid) !== made.uid || (gid ?? made.gid) !== made.gid) {
      fchownSync(fd, uid ?? made.uid, gid ?? made.gid);
    }
    fchmodSync(fd, mode);
    fsyncSync(fd);
  });
}

/**
 * Gives a file new content at once: whoever reads it, and whatever is killed, sees the old file or the new one.
 *
 * @param found What `findFile` gave; the file must still be that, and this user's own.
 */
export function replaceFile(file: string, found: FoundFile | undefined, wanted: NewFile): void {
  refuseOtherOwner(file, found);
  const temporary = path.join(path.dirname(file), temporaryName(file, process.pid));
  attempt('readdir', path.dirname(file), () => removeLeftovers(file));
  try {
    attempt('write', file, () => writeTemporary(temporary, wanted));
    refuseChanged(file, found?.version);
    attempt('rename', file, () => renameSync(temporary, file));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  attempt('fsync', path.dirname(file), () => syncDirectory(path.dirname(file)));
}

/** Removes a file for good. */
export function removeFile(file: string): void {
  attempt('unlink', file, () => unlinkSync(file));
  attempt('fsync', path.dirname(file), () => syncDirectory(path.dirname(file)));
}
