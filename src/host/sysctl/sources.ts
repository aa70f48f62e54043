import { statSync } from 'node:fs';
import path from 'node:path';
import { OptionsCheck } from '../../policy/options-check.js';
import { type KeepAliveSysctl, keepAliveSysctls, type RootOption } from '../../socket/kernel-defaults.js';
import type { Omission } from '../list/connection.js';
import { type ConfigurationFile, configurationFiles, type PlannedFile } from './configuration-files.js';
import { numberOfValue, readSettings, type Setting } from './configuration-text.js';
import { attempt } from './failed-call.js';
import { isPattern, matchesPattern } from './pattern.js';

/** A line of a configuration file that concerns one of the three sysctls. */
export interface SysctlSource {
  /** Such as `net.ipv4.tcp_keepalive_time`, also if the line has a pattern or slashes. */
  readonly key: string;
  /** The file that has the line. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** As in the file; `null` for an exclusion (`-key`) that keeps the key from being set. */
  readonly value: string | null;
  /** The key as the line has it, if that is a pattern. */
  readonly pattern?: string;
  /** The link by which the file is read, if any. */
  readonly readAs?: string;
}

/** What the configuration files say of the three sysctls. */
export interface SysctlSources {
  /** By key, in the order in which the lines are read; the last line of a key wins. */
  readonly sources: readonly SysctlSource[];
  /** What /etc/sysctl.conf says if nothing reads it at boot. */
  readonly notRead: readonly SysctlSource[];
  readonly incomplete: readonly Omission[];
}

interface Entry extends Pick<Setting, 'path' | 'value'> {
  readonly isPattern: boolean;
  readonly source: SysctlSource;
}

/** Returns the lines of a file that concern a sysctl. */
function entriesOf({ file, readAs, text }: ConfigurationFile, { key }: KeepAliveSysctl): Entry[] {
  const own = key.replaceAll('.', '/');
  return readSettings(text).flatMap((setting, index) => {
    if (setting === undefined) return [];
    const { path: keyPath, value } = setting;
    const pattern = isPattern(keyPath);
    if (pattern ? !matchesPattern(keyPath, own) : keyPath !== own) return [];
    const source = {
      key,
      file,
      line: index + 1,
      value,
      ...(pattern ? { pattern: setting.key } : {}),
      ...(readAs === file ? {} : { readAs }),
    };
    return [{ path: keyPath, value, isPattern: pattern, source }];
  });
}

/**
 * Returns the entry that systemd-sysctl acts on.
 *
 * A key's own line, also an exclusion, goes before every pattern, wherever it stands. Of the patterns the one that was
 * last given its value is applied last, the same value again does not move it, and one that the kernel refuses leaves
 * what an earlier one did.
 */
function winnerOf(entries: readonly Entry[]): Entry | undefined {
  const inForce = new Map<string, Entry>();
  for (const entry of entries) {
    if (inForce.get(entry.path)?.value !== entry.value) inForce.delete(entry.path);
    inForce.set(entry.path, entry);
  }
  const candidates = [...inForce.values()];
  const patterns = candidates.filter((entry) => entry.value !== null);
  return (
    candidates.find((entry) => !entry.isPattern) ??
    patterns.findLast((entry) => numberOfValue(entry.value ?? '') !== undefined) ??
    patterns.at(-1) ??
    candidates.at(-1)
  );
}

function sourcesOf(files: readonly ConfigurationFile[]): SysctlSource[] {
  return keepAliveSysctls.flatMap((sysctl) => {
    const entries = files.flatMap((file) => entriesOf(file, sysctl));
    // Exclusions that keep nothing from the key say nothing of it.
    if (entries.every((entry) => entry.value === null)) return [];
    const winner = winnerOf(entries);
    const others = entries.filter((entry) => entry !== winner && entry.value !== null);
    return [...others, ...(winner === undefined ? [] : [winner])].map(({ source }) => source);
  });
}

/** Like {@link sysctlSources}, with a file as if it were written already. */
export function sourcesWith(root: string, planned?: PlannedFile): SysctlSources {
  // A root that is mistyped must not read as one without settings.
  attempt('stat', root, () => statSync(root));
  const { files, notRead, incomplete } = configurationFiles(root, planned);
  return { sources: sourcesOf(files), notRead: sourcesOf(notRead === undefined ? [] : [notRead]), incomplete };
}

/**
 * Reads every assignment of the three keepalive sysctls in the machine's configuration files, in the order in which
 * systemd-sysctl reads them: /etc/sysctl.d, /run/sysctl.d, /usr/local/lib/sysctl.d, /usr/lib/sysctl.d and /lib/sysctl.d,
 * sorted by file name; a name in an earlier directory hides the same name in later ones.
 *
 * /etc/sysctl.conf counts if a link in one of these directories leads to it, or if there is no systemd and
 * `sysctl --system` reads it last. The kernel's command line and systemd's credentials are not read. Blocks while it reads
 * the files; `incomplete` names files that could not be read. Linux.
 *
 * @example
 * const { sources } = sysctlSources();
 * const winner = sources.findLast(({ key }) => key === 'net.ipv4.tcp_keepalive_time');
 * @throws {ConfigurationError} if an option is unknown or of a wrong type.
 * @throws {SystemCallError} ENOENT if `root` does not exist.
 * @see sysctl.d(5), sysctl(8)
 */
export function sysctlSources(options: RootOption = {}): SysctlSources {
  new OptionsCheck('sysctlSources', options, ['root']).texts('root');
  return sourcesWith(path.resolve(options.root ?? '/'));
}
