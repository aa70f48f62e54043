import { readFileSync } from 'node:fs';

/** The file that {@link bootId} reads. */
export const bootIdFile = '/proc/sys/kernel/random/boot_id';

/** Returns the id of this boot of the machine. */
export function bootId(): string {
  return readFileSync(bootIdFile, 'utf8').trim();
}
