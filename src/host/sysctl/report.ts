import type { KernelDefaults } from '../../socket/kernel-defaults.js';
import { fromWorker, isWorker } from '../from-worker.js';
import type { Omission } from '../list/connection.js';
import { type NamespaceDefaults, otherNamespaces } from './namespaces.js';
import { readRunningValues } from './running-values.js';
import { type RootOption, type SysctlSource, sysctlSources } from './sources.js';

/** The kernel's keepalive defaults, and where they come from. */
export interface KernelDefaultsReport extends KernelDefaults {
  /** As from {@link sysctlSources}: the last of a key is the one that wins. */
  readonly sources: readonly SysctlSource[];
  /** What /etc/sysctl.conf says where nothing reads it at boot. */
  readonly notRead: readonly SysctlSource[];
  /** The other network namespaces of the machine. */
  readonly namespaces: readonly NamespaceDefaults[];
  /** False where a file or directory that counts could not be read, so that `sources` may lack a line. */
  readonly isEveryFileRead: boolean;
  readonly incomplete: readonly Omission[];
}

/**
 * Reads the kernel's keepalive defaults of the caller's network namespace, in milliseconds.
 *
 * They are as the kernel has them, which also takes what no socket would: 0, or -1.
 *
 * @throws {SystemCallError} if /proc cannot be read; {@link UnsupportedError} on other platforms.
 */
export function readKernelDefaults(options: RootOption = {}): KernelDefaults {
  return readRunningValues(options.root ?? '/');
}

/**
 * The kernel's keepalive defaults with every line of configuration that concerns them, and those of the other network
 * namespaces; with `root` set, without those.
 */
export function kernelDefaultsReport(options: RootOption = {}): KernelDefaultsReport {
  if (isWorker()) return fromWorker('kernelDefaultsReport', [options]);
  const { root = '/' } = options;
  const defaults = readRunningValues(root);
  const { sources, notRead, incomplete } = sysctlSources(options);
  const others = root === '/' ? otherNamespaces() : { namespaces: [], incomplete: [] };
  return {
    ...{ ...defaults, sources, notRead, namespaces: others.namespaces },
    isEveryFileRead: incomplete.length === 0,
    incomplete: [...incomplete, ...others.incomplete],
  };
}
