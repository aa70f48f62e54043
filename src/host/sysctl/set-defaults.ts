import path from 'node:path';
import { PolicyError } from '../../policy/errors.js';
import { OptionsCheck } from '../../policy/options-check.js';
import { readPolicy } from '../../policy/parse.js';
import type { PolicyInput } from '../../policy/policy.js';
import {
  type KernelDefaults,
  keepAliveSysctls,
  kernelDefaults,
  type RootOption,
  sysctlNumber,
} from '../../socket/kernel-defaults.js';
import { fromWorker, isWorker } from '../from-worker.js';
import { type DefaultsChange, makeChange, type Plan } from './change.js';
import { editedText, newText, type WantedValues } from './configuration-text.js';
import { plannedRecord, recordPath } from './defaults-record.js';
import { actionOf, type FileChange } from './file-change.js';
import { FileError } from './file-error.js';
import { findFile } from './found-file.js';
import { pathInRoot } from './path-in-root.js';
import { sourcesWith } from './sources.js';

/** Where {@link setKernelDefaults} writes unless another file is named. */
export const defaultFile = '/etc/sysctl.d/60-tcp-keepalive.conf';

export interface SetKernelDefaultsOptions extends RootOption {
  /**
   * The file to write; with `root`, a path in `root`.
   *
   * @default '/etc/sysctl.d/60-tcp-keepalive.conf'
   */
  readonly file?: string;
  /**
   * Changes the running kernel only, until the machine restarts.
   *
   * @default false
   */
  readonly runtimeOnly?: boolean;
  /**
   * Changes nothing; the result shows what would be done, and what is missing for it.
   *
   * @default false
   */
  readonly dryRun?: boolean;
}

/** Returns the policy's values; a value that the policy leaves out stays as it is. */
function wantedDefaults(input: PolicyInput): Partial<KernelDefaults> {
  const { idle, interval, count, ...others } = readPolicy(input);
  for (const [field, value] of Object.entries(others)) {
    const allowed = 'left out, because the kernel has no default for it that is set here';
    throw new PolicyError(field as 'userTimeout', value, allowed, 'set it on the sockets');
  }
  const wanted: { -readonly [Field in keyof KernelDefaults]?: number } = {};
  for (const [field, value] of Object.entries({ idle, interval, count })) {
    if (value === 'system') throw new PolicyError(field as 'idle', value, "a value: 'system' is what is being set");
    if (value !== undefined) wanted[field as keyof KernelDefaults] = value;
  }
  if (Object.keys(wanted).length > 0) return wanted;
  throw new PolicyError('policy', input, 'one that sets idle, interval or count');
}

/** Returns the file's path without links in its directory, which is how the list of files that are read has it. */
function targetPath(root: string, file: string): string {
  const absolute = root === '/' ? path.resolve(file) : path.join('/', file);
  const target = path.join(pathInRoot(root, path.dirname(absolute)), path.basename(absolute));
  if (path.dirname(target) !== path.dirname(recordPath(root))) return target;
  const found = 'is where the record of the last change is kept';
  throw new FileError(target, 'own-record', found, 'name another', 'a file in a directory of settings');
}

/** Plans the change of a file, and tells what decides instead of the file when the machine starts. */
function plannedFile(root: string, target: string, wanted: WantedValues) {
  const found = findFile(target);
  const text = found === undefined ? newText(wanted) : editedText(found.content.toString('latin1'), wanted);
  const file: FileChange = { path: target, found, content: Buffer.from(text, 'latin1'), mode: 0o644 };
  const { sources } = sourcesWith(root, { file: target, text });
  const keys = [...wanted.keys()];
  const winners = keys.map((key) => sources.findLast((source) => source.key === key));
  const isRead = keys.every((key) => sources.some((source) => source.file === target && source.key === key));
  const isInRun = path.dirname(target).split(path.sep).includes('run');
  const fault = isInRun ? [`${target} is in /run, which is empty after a restart`] : [];
  return {
    file,
    overriddenBy: winners.flatMap((winner) => (winner === undefined || winner.file === target ? [] : [winner])),
    warnings: isRead ? fault : [`${target} is not read when the machine starts: these values are gone then`],
  };
}

function planOf(root: string, wanted: Partial<KernelDefaults>, target: string | undefined): Plan {
  const before = kernelDefaults({ root });
  const after = { ...before, ...wanted };
  const set = keepAliveSysctls.filter(({ field }) => wanted[field] !== undefined);
  const values = new Map(set.map((sysctl) => [sysctl.key, sysctlNumber(sysctl, after)]));
  const written =
    target === undefined ? { file: undefined, overriddenBy: [], warnings: [] } : plannedFile(root, target, values);
  const { file } = written;
  const isChange =
    set.some(({ field }) => before[field] !== after[field]) || (file !== undefined && actionOf(file) !== 'unchanged');
  const record = () => (isChange ? [plannedRecord(root, { before, after, file })] : []);
  return { before, after, ...written, record, isUndo: false };
}

/**
 * Sets the kernel's keepalive defaults: writes them to a configuration file, so that they hold after a restart, and to
 * the running kernel, and reads them back.
 *
 * In a file that exists, the last assignment of each key gets its value in place, a missing key is added at the end, and
 * every other byte stays. The file is replaced at once: a kill at any moment leaves the old file or the new one. File and
 * kernel change both or neither. {@link undoKernelDefaults} undoes the last change. Two changes at once are made one after
 * the other.
 *
 * The sysctls turn keepalive on for no socket. Connections with values of their own keep them, running timers are not set
 * anew, and other network namespaces keep their values.
 *
 * Blocks until the disk has the file, and up to 10 s while another process makes a change. Linux.
 *
 * @example
 * const { applied, incomplete } = setKernelDefaults('600:30:5', { dryRun: true });
 * @returns What was done. If `applied` is false, nothing was changed: because of `dryRun`, or because a permission is
 *   missing, which `incomplete` names.
 * @throws {PolicyError} if the kernel must not get the policy.
 * @throws {FileError} if the file must not be replaced.
 * @throws {ConfigurationError} if an option is unknown or of a wrong type.
 * @throws {SystemCallError} if a call fails; everything is then as before.
 */
export function setKernelDefaults(policy: PolicyInput, options: SetKernelDefaultsOptions = {}): DefaultsChange {
  const check = new OptionsCheck('setKernelDefaults', options, ['root', 'file', 'runtimeOnly', 'dryRun']);
  check.texts('root', 'file');
  check.booleans('runtimeOnly', 'dryRun');
  if (isWorker()) return fromWorker('setKernelDefaults', [policy, options], { FileError });
  const root = path.resolve(options.root ?? '/');
  const { file = defaultFile, runtimeOnly = false, dryRun = false } = options;
  const wanted = wantedDefaults(policy);
  return makeChange(root, dryRun, () => planOf(root, wanted, runtimeOnly ? undefined : targetPath(root, file)));
}
