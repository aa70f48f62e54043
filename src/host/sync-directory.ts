import { closeSync, constants, fsyncSync, openSync } from 'node:fs';

/** Writes a directory's entries to the disk: until then a loss of power may undo a rename. */
export function syncDirectory(directory: string): void {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } catch (error) {
    // Some file systems cannot, and do not need it.
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  } finally {
    closeSync(fd);
  }
}
