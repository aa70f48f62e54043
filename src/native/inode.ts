import { fstatSync } from 'node:fs';

/** Returns the inode of a descriptor, or undefined if it is closed. */
export function inodeOf(fd: number): number | undefined {
  try {
    return fstatSync(fd).ino;
  } catch {
    return undefined;
  }
}
