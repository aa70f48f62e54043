import { SystemCallError } from '../../native/errors.js';
import { OptionsCheck } from '../../policy/options-check.js';
import { type KernelDefaults, kernelDefaults, type RootOption } from '../../socket/kernel-defaults.js';
import { fromWorker, isWorker } from '../from-worker.js';
import type { Omission } from '../list/connection.js';
import { networkNamespaces, within } from '../namespaces/network-namespaces.js';
import { hostProcess } from '../owners/processes.js';
import { type SysctlSources, sysctlSources } from './sources.js';

/** The kernel's keepalive defaults in another network namespace. */
export interface NamespaceDefaults extends KernelDefaults {
  /** Its inode, as in /proc/PID/ns/net. */
  readonly netns: number;
  /** Its name under /run/netns (ip netns) or in Docker's folder, if it has one. */
  readonly name: string | null;
  /** The process in it with the lowest id; `null` if it has none. */
  readonly process: { readonly pid: number; readonly name: string; readonly program?: string } | null;
}

/** The kernel's keepalive defaults, and where they come from. */
export interface KernelDefaultsReport extends KernelDefaults, SysctlSources {
  /** The other network namespaces of the machine. */
  readonly namespaces: readonly NamespaceDefaults[];
  /** False if a file or directory that counts could not be read: `sources` may lack a line then. */
  readonly isEveryFileRead: boolean;
}

function namedProcess(pid: number): NonNullable<NamespaceDefaults['process']> {
  const { name = '', program } = hostProcess(pid) ?? {};
  return { pid, name, ...(program === undefined ? {} : { program }) };
}

/** Reads the defaults in every other network namespace that a process is in, or that has a name. */
function otherNamespaces(): { namespaces: NamespaceDefaults[]; incomplete: Omission[] } {
  const found = networkNamespaces();
  const namespaces: NamespaceDefaults[] = [];
  const failures = new Map<string, number>();
  for (const namespace of found.namespaces) {
    if (namespace.isOwn) continue;
    const { inode, name = null, pid } = namespace;
    try {
      const defaults = within(namespace, () => kernelDefaults());
      namespaces.push({ netns: inode, name, process: pid === undefined ? null : namedProcess(pid), ...defaults });
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      // A namespace that has ended meanwhile is left out.
      const why = `${error.syscall}: ${error.code}, entering another network namespace takes CAP_SYS_ADMIN`;
      if (error.code !== 'ENOENT') failures.set(why, (failures.get(why) ?? 0) + 1);
    }
  }
  const unread = [...failures].map(([why, count]) => {
    return { what: `${count} other network ${count === 1 ? 'namespace' : 'namespaces'}`, why };
  });
  return { namespaces, incomplete: [...found.incomplete, ...unread] };
}

/**
 * Reads the kernel's keepalive defaults, every line of configuration that concerns them, and the defaults of the other
 * network namespaces. Without the namespaces if `root` is given.
 *
 * Reading other namespaces takes CAP_SYS_ADMIN; `incomplete` names what could not be read. Blocks while it reads the files
 * and enters the namespaces one after the other. Linux.
 *
 * @example
 * const { idle, sources, namespaces } = kernelDefaultsReport();
 * @throws {UnsupportedError} if the platform is not Linux.
 * @throws {SystemCallError} if /proc cannot be read.
 * @throws {ConfigurationError} if an option is unknown or of a wrong type.
 */
export function kernelDefaultsReport(options: RootOption = {}): KernelDefaultsReport {
  new OptionsCheck('kernelDefaultsReport', options, ['root']).texts('root');
  if (isWorker()) return fromWorker('kernelDefaultsReport', [options]);
  const { root = '/' } = options;
  const defaults = kernelDefaults({ root });
  const { sources, notRead, incomplete } = sysctlSources({ root });
  const others = root === '/' ? otherNamespaces() : { namespaces: [], incomplete: [] };
  return {
    ...defaults,
    sources,
    notRead,
    namespaces: others.namespaces,
    isEveryFileRead: incomplete.length === 0,
    incomplete: [...incomplete, ...others.incomplete],
  };
}
