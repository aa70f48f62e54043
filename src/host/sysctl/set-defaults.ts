import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { PolicyError } from '../../policy/errors.js';
import { readPolicy } from '../../policy/parse.js';
import type { PolicyInput } from '../../policy/policy.js';
import type { KernelDefaults } from '../../socket/kernel-defaults.js';
import { fromWorker, isWorker } from '../from-worker.js';
import type { Omission } from '../list/connection.js';
import {
  actionOf,
  carryOut,
  type DefaultsChange,
  type FileChange,
  lackingOwnership,
  lackingPermissions,
  lackingUndo,
  restore,
  undoStep,
} from './change.js';
import { editedText, newText, type WantedValues } from './configuration-text.js';
import { undoing } from './failed-call.js';
import { FileError } from './file-error.js';
import { keepAliveSysctls } from './keys.js';
import { readRunningValues } from './running-values.js';
import { plannedSources, type RootOption, type SysctlSources, winningSource } from './sources.js';
import { findFile, refuseOtherOwner } from './target-file.js';
import { readUndoSteps, restoreUndoSteps, withUndoLog, writeUndoSteps } from './undo-log.js';

/** Where {@link setKernelDefaults} writes unless another file is named. */
export const defaultFile = '/etc/sysctl.d/60-tcp-keepalive.conf';

export interface SetKernelDefaultsOptions extends RootOption {
  /** Another file than /etc/sysctl.d/60-tcp-keepalive.conf; with `root`, a path in it. */
  readonly file?: string;
  /** Change the running kernel only, until the machine restarts. */
  readonly runtimeOnly?: boolean;
  /** Change nothing, and say what would be done and what is missing for it. */
  readonly dryRun?: boolean;
}

/** The policy's values; what it leaves out is left as it is. */
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

function wantedValues(wanted: Partial<KernelDefaults>): WantedValues {
  const values = new Map<string, number>();
  for (const { field, key, unitMs } of keepAliveSysctls) {
    const value = wanted[field];
    if (value !== undefined) values.set(key, value / (unitMs ?? 1));
  }
  return values;
}

/** The file's path without links in its directory, so that it can be recognised among those that are read. */
function targetPath({ root = '/', file = defaultFile }: SetKernelDefaultsOptions): string {
  const absolute = root === '/' ? path.resolve(file) : path.join(path.resolve(root), file);
  const directory = path.dirname(absolute);
  return existsSync(directory) ? path.join(realpathSync(directory), path.basename(absolute)) : absolute;
}

function plannedChange(file: string, wanted: WantedValues): FileChange {
  const found = findFile(file);
  const text = found === undefined ? newText(wanted) : editedText(found.content.toString('latin1'), wanted);
  return { path: file, found, content: Buffer.from(text, 'latin1'), mode: 0o644 };
}

function overriding({ sources }: SysctlSources, file: string, wanted: WantedValues) {
  return [...wanted.keys()].flatMap((key) => {
    const winner = winningSource(sources, key);
    return winner === undefined || winner.file === file ? [] : [winner];
  });
}

function fileWarnings(file: string, planned: SysctlSources, wanted: WantedValues): string[] {
  const read = new Set(planned.sources.filter((source) => source.file === file).map((source) => source.key));
  if ([...wanted.keys()].some((key) => !read.has(key))) {
    return [`${file} is not read when the machine starts: these values are gone then`];
  }
  const first = path.dirname(file).split(path.sep).includes('run');
  return first ? [`${file} is in /run, which is empty after a restart`] : [];
}

interface Plan {
  readonly root: string;
  readonly before: KernelDefaults;
  readonly after: KernelDefaults;
  readonly file: FileChange | undefined;
  readonly overriddenBy: DefaultsChange['overriddenBy'];
  readonly warnings: string[];
}

function planOf(input: PolicyInput, options: SetKernelDefaultsOptions): Plan {
  const { root = '/', runtimeOnly = false } = options;
  const wanted = wantedDefaults(input);
  const values = wantedValues(wanted);
  const before = readRunningValues(root);
  const after = { ...before, ...wanted };
  if (runtimeOnly) return { root, before, after, file: undefined, overriddenBy: [], warnings: [] };
  const file = plannedChange(targetPath(options), values);
  const planned = plannedSources(root, { file: file.path, text: file.content?.toString('latin1') ?? null });
  const warnings = fileWarnings(file.path, planned, values);
  return { root, before, after, file, overriddenBy: overriding(planned, file.path, values), warnings };
}

function outcome(plan: Plan, applied: boolean, after: KernelDefaults, incomplete: Omission[]): DefaultsChange {
  const { before, file, overriddenBy, warnings } = plan;
  const shown = file === undefined ? null : { path: file.path, action: actionOf(file) };
  return { applied, before, after, file: shown, overriddenBy, warnings, incomplete };
}

function apply({ root, before, after, file }: Plan): KernelDefaults {
  try {
    return carryOut(root, file, after);
  } catch (error) {
    return undoing(error, () => restore(root, file, before));
  }
}

/** Records the step for `--undo` and then makes the change: all of it, or nothing. */
function applyRecorded({ root, before, after, file }: Plan): KernelDefaults {
  const isChanged = keepAliveSysctls.some(({ field }) => before[field] !== after[field]);
  if (!isChanged && (file === undefined || actionOf(file) === 'unchanged')) return after;
  const steps = readUndoSteps(root);
  try {
    writeUndoSteps(root, [...steps, undoStep(file, before, after)]);
    return carryOut(root, file, after);
  } catch (error) {
    return undoing(error, () => {
      restore(root, file, before);
      // Removed last, so that the step exists as long as there is a change to undo.
      restoreUndoSteps(root, steps);
    });
  }
}

/**
 * Sets the kernel's keepalive defaults: writes them to a configuration file, so that they hold after a restart, and to
 * the running kernel, and reads them back.
 *
 * In a file that exists, the last assignment of each key gets its value in place, what is missing is added at the end,
 * and every other byte stays. The file is replaced at once: a kill at any moment leaves the old one or the new one.
 * File and kernel change both or neither. What was before is kept in /var/lib/tcp-keepalive for
 * {@link undoKernelDefaults}. Two changes at once are made one after the other.
 *
 * The sysctls turn keepalive on for nobody; connections with values of their own keep them; timers that run are not
 * set anew; other network namespaces keep theirs.
 *
 * @returns What was done. Nothing was where `applied` is false: with `dryRun`, or where a permission is missing, which
 *   `incomplete` names.
 * @throws {PolicyError} if the kernel must not get the policy, {@link FileError} if the file must not be
 *   replaced, {@link SystemCallError} for a call that fails; everything is then as before.
 */
export function setKernelDefaults(policy: PolicyInput, options: SetKernelDefaultsOptions = {}): DefaultsChange {
  if (isWorker()) return fromWorker('setKernelDefaults', [policy, options], { FileError });
  const plan = planOf(policy, options);
  const { root, after, file } = plan;
  const missing = lackingPermissions(root, file);
  const missingUndo = lackingUndo(root);
  if (options.dryRun) return outcome(plan, false, after, [...lackingOwnership(file), ...missing, ...missingUndo]);
  // Without a file a restart takes the change back: then a missing record is no reason to refuse.
  const isRecorded = missingUndo.length === 0;
  if (missing.length > 0 || (file !== undefined && !isRecorded)) {
    return outcome(plan, false, after, [...missing, ...missingUndo]);
  }
  if (file !== undefined) refuseOtherOwner(file.path, file.found);
  if (!isRecorded) return outcome(plan, true, apply(plan), missingUndo);
  return withUndoLog(root, () => {
    // Another process may have made a change while this one waited.
    const current = planOf(policy, options);
    return outcome(current, true, applyRecorded(current), []);
  });
}
