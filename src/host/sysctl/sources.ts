import type { Omission } from '../list/connection.js';
import { type ConfigurationFile, configurationFiles, type PlannedFile } from './configuration-files.js';
import { readSetting, splitLines } from './configuration-text.js';
import { type KeepAliveSysctl, keepAliveSysctls, numberOfValue } from './keys.js';
import { isPattern, matchesPattern } from './pattern.js';

/** A line of a configuration file that concerns one of the three sysctls. */
export interface SysctlSource {
  /** Such as `net.ipv4.tcp_keepalive_time`, also where the line has a pattern or writes it with slashes. */
  readonly key: string;
  /** The file that has the line. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** As the file has it; `null` for an exclusion (`-key`) that keeps the key from being set. */
  readonly value: string | null;
  /** The key as the line has it, where that is a pattern. */
  readonly pattern?: string;
  /** The link by which the file is read, where it is read by one. */
  readonly readAs?: string;
}

/** What the configuration files say of the three sysctls. */
export interface SysctlSources {
  /** By key, each key's in the order in which they are read; the last of a key is the one that wins. */
  readonly sources: readonly SysctlSource[];
  /** What /etc/sysctl.conf says where nothing reads it at boot. */
  readonly notRead: readonly SysctlSource[];
  readonly incomplete: readonly Omission[];
}

interface Entry extends SysctlSource {
  readonly path: string;
  readonly isPattern: boolean;
}

function entriesOf({ file, readAs, text }: ConfigurationFile, sysctl: KeepAliveSysctl): Entry[] {
  const entries: Entry[] = [];
  for (const [index, { text: line }] of splitLines(text).entries()) {
    const setting = readSetting(line);
    if (setting === undefined) continue;
    const { path, key, value } = setting;
    const pattern = isPattern(path);
    if (pattern ? !matchesPattern(path, sysctl.path) : path !== sysctl.path) continue;
    entries.push({
      ...{ key: sysctl.key, file, line: index + 1, value, path, isPattern: pattern },
      ...(pattern ? { pattern: key } : {}),
      ...(readAs === file ? {} : { readAs }),
    });
  }
  return entries;
}

/**
 * The entry that systemd-sysctl acts on.
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

function sourceOf({ path: _path, isPattern: _isPattern, ...source }: Entry): SysctlSource {
  return source;
}

function sourcesOf(files: readonly ConfigurationFile[], sysctl: KeepAliveSysctl): SysctlSource[] {
  const entries = files.flatMap((file) => entriesOf(file, sysctl));
  const winner = winnerOf(entries);
  // Exclusions that keep nothing from the key say nothing of it.
  if (entries.every((entry) => entry.value === null)) return [];
  const others = entries.filter((entry) => entry !== winner && entry.value !== null);
  return [...others, ...(winner === undefined ? [] : [winner])].map(sourceOf);
}

/** The same, with a file as it is going to be. */
export function plannedSources(root: string, planned?: PlannedFile): SysctlSources {
  const { files, notRead, incomplete } = configurationFiles(root, planned);
  const ignored = notRead === undefined ? [] : [notRead];
  return {
    sources: keepAliveSysctls.flatMap((sysctl) => sourcesOf(files, sysctl)),
    notRead: keepAliveSysctls.flatMap((sysctl) => sourcesOf(ignored, sysctl)),
    incomplete,
  };
}

/** The line that decides about a key; `undefined` where none does. */
export function winningSource(sources: readonly SysctlSource[], key: string): SysctlSource | undefined {
  return sources.findLast((source) => source.key === key);
}

/** Where to look instead of the machine's own files: for tests, images and containers. */
export interface RootOption {
  /** The directory that stands for `/`. */
  readonly root?: string;
}

/**
 * Every assignment of the three keepalive sysctls in the machine's configuration files, in the order in which
 * systemd-sysctl reads them: /etc/sysctl.d, /run/sysctl.d, /usr/local/lib/sysctl.d, /usr/lib/sysctl.d and /lib/sysctl.d,
 * sorted by file name; a name in an earlier directory hides the same name in later ones.
 *
 * /etc/sysctl.conf counts where a link in one of these directories leads to it, or where there is no systemd and
 * `sysctl --system` reads it last. The kernel's command line and systemd's credentials are not looked at.
 *
 * @see sysctl.d(5), sysctl(8)
 */
export function sysctlSources(options: RootOption = {}): SysctlSources {
  return plannedSources(options.root ?? '/');
}
