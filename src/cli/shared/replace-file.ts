import { chmodSync, chownSync, realpathSync, renameSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { getSystemErrorMap } from 'node:util';

/** Gives a new file the owner and the mode of the old one. */
function copyRights(file: string, { uid, gid, mode }: Stats): void {
  try {
    chownSync(file, uid, gid);
  } catch {
    // Only root can keep another owner.
  }
  chmodSync(file, mode);
}

/** Writes a file beside the old one, and puts it in the place of that one. */
function replace(file: string, text: string, old: Stats): void {
  const temporary = path.join(path.dirname(file), `.tcp-keepalive-${process.pid}-${Date.now()}.new`);
  try {
    writeFileSync(temporary, text, { flag: 'wx', flush: true });
    copyRights(temporary, old);
    renameSync(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') rmSync(temporary, { force: true });
    throw error;
  }
}

/** Writes a file at once: a kill or a full disk leaves a file that was there as it was. Follows links. */
export function replaceFile(file: string, text: string): void {
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found?.isFile()) replace(realpathSync(file), text, found);
    // What is no file, such as a pipe or /dev/stdout, takes text, and has none that could be lost.
    else writeFileSync(file, text);
  } catch (error) {
    const { errno = 0, code, message } = error as NodeJS.ErrnoException;
    const [, reason = message] = getSystemErrorMap().get(errno) ?? [];
    // The path in the error can be that of the new file.
    throw Object.assign(new Error(`'${file}' could not be written: ${code}, ${reason}`), { code, path: file });
  }
}
