import { SystemCallError } from '../../native/errors.js';
import type { KernelDefaults } from '../../socket/kernel-defaults.js';
import type { Omission } from '../list/connection.js';
import { networkNamespaces, within } from '../namespaces/network-namespaces.js';
import { processName } from '../owners/processes.js';
import { readRunningValues } from './running-values.js';

/** The kernel's keepalive defaults in another network namespace. */
export interface NamespaceDefaults extends KernelDefaults {
  /** Its inode, as in /proc/PID/ns/net. */
  readonly netns: number;
  /** Its name under /run/netns (ip netns) or Docker's folder, if it has one. */
  readonly name: string | null;
  /** One of the processes in it, that with the lowest id; `null` where it has none. */
  readonly process: { readonly pid: number; readonly name: string } | null;
}

function unreadable(failures: ReadonlyMap<string, number>): Omission[] {
  return [...failures].map(([why, count]) => ({
    what: `${count} other network ${count === 1 ? 'namespace' : 'namespaces'}`,
    why,
  }));
}

/**
 * The kernel's keepalive defaults in every other network namespace that a process is in, or that has a name.
 *
 * Needs CAP_SYS_ADMIN; what cannot be read is told in `incomplete`.
 */
export function otherNamespaces(): { namespaces: NamespaceDefaults[]; incomplete: Omission[] } {
  const found = networkNamespaces();
  const namespaces: NamespaceDefaults[] = [];
  const failures = new Map<string, number>();
  for (const namespace of found.namespaces) {
    if (namespace.isOwn) continue;
    const { inode, name = null, pid } = namespace;
    try {
      const defaults = within(namespace, () => readRunningValues('/'));
      const process = pid === undefined ? null : { pid, name: processName(pid) ?? '' };
      namespaces.push({ netns: inode, name, process, ...defaults });
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      // A namespace that has ended meanwhile is left out.
      const why = `${error.syscall}: ${error.code}, entering another network namespace takes CAP_SYS_ADMIN`;
      if (error.code !== 'ENOENT') failures.set(why, (failures.get(why) ?? 0) + 1);
    }
  }
  return { namespaces, incomplete: [...found.incomplete, ...unreadable(failures)] };
}
