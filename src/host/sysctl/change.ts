import { accessSync, constants, existsSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SystemCallError } from '../../native/errors.js';
import { messageOf } from '../../node/warn-once.js';
import {
  type KernelDefaults,
  keepAliveSysctls,
  kernelDefaults,
  readSysctl,
  sysctlFile,
  sysctlNumber,
} from '../../socket/kernel-defaults.js';
import type { Omission } from '../list/connection.js';
import { recordPath, withRecordLock } from './defaults-record.js';
import { adviceFor, attempt, codeOf } from './failed-call.js';
import { actionOf, assertOwn, type FileChange, foreignOwner, restoreFile, writeFileChange } from './file-change.js';
import type { SysctlSource } from './sources.js';

/** What a change of the kernel's defaults did, or would do. */
export interface DefaultsChange {
  /** False with `dryRun`, and if a permission is missing: nothing was changed then. */
  readonly applied: boolean;
  /** The kernel's values before the change. */
  readonly before: KernelDefaults;
  /** The kernel's values, read back after the change; the planned values if nothing was changed. */
  readonly after: KernelDefaults;
  /** What became of the file; `null` if no file was concerned. */
  readonly file: { readonly path: string; readonly action: 'created' | 'changed' | 'unchanged' | 'removed' } | null;
  /** Lines that decide otherwise when the machine next starts: later in the order, or hiding the file. */
  readonly overriddenBy: readonly SysctlSource[];
  readonly warnings: readonly string[];
  /** The missing permissions. If `applied`, only the permission to keep what `--undo` needs is missing. */
  readonly incomplete: readonly Omission[];
}

/** A planned change of the kernel's defaults and of a file. */
export interface Plan extends Pick<DefaultsChange, 'before' | 'after' | 'overriddenBy' | 'warnings'> {
  readonly file: FileChange | undefined;
  /** Returns the changes of the record, one after the other. Called only if the record can be written. */
  readonly record: () => readonly FileChange[];
  /** An undo makes the last change of the record last, and not at all without permission. */
  readonly isUndo: boolean;
}

/** Something that a change writes, and how to restore it. */
interface Step {
  readonly write: () => void;
  readonly restore: () => void;
  readonly isRecord?: true;
}

function writeSysctl(key: string, value: number, root: string): void {
  if (readSysctl(key, root) === value) return;
  const file = sysctlFile(key, root);
  attempt('write', file, () => writeFileSync(file, `${value}\n`, { flag: 'r+' }));
  const inForce = readSysctl(key, root);
  if (inForce === value) return;
  throw new SystemCallError(`write(${file})`, 'EINVAL', `it was given ${value}, and holds ${inForce}`);
}

function fileStep(change: FileChange | undefined): Step[] {
  if (change === undefined) return [];
  return [{ write: () => writeFileChange(change), restore: () => restoreFile(change) }];
}

function stepsOf(root: string, { before, after, file, isUndo }: Plan, record: readonly FileChange[]): Step[] {
  const values = keepAliveSysctls.map((sysctl) => {
    const writer = (values: KernelDefaults) => () => writeSysctl(sysctl.key, sysctlNumber(sysctl, values), root);
    return { write: writer(after), restore: writer(before) };
  });
  const steps = [...fileStep(file), ...values];
  const recording = record.flatMap(fileStep).map((step) => ({ ...step, isRecord: true as const }));
  return isUndo ? [...recording.slice(0, -1), ...steps, ...recording.slice(-1)] : [...recording, ...steps];
}

/** Takes every step. After a failure restores what was written, the last step first. */
function takeAllOrNone(steps: readonly Step[]): void {
  const begun: Step[] = [];
  try {
    for (const step of steps) {
      begun.unshift(step);
      step.write();
    }
  } catch (error) {
    const failures: unknown[] = [];
    for (const { restore, isRecord } of begun) {
      // The record stays as long as there is something to undo.
      if (isRecord && failures.length > 0) continue;
      try {
        restore();
      } catch (failure) {
        failures.push(failure);
      }
    }
    const suffix = `; and what was done before could not be restored: ${messageOf(failures[0])}`;
    if (failures.length > 0 && error instanceof Error) error.message += suffix;
    throw error;
  }
}

/** Returns the missing permission to write a path; a directory needs one more. */
function lacking(file: string, mode = constants.W_OK): Omission[] {
  try {
    accessSync(file, mode);
    return [];
  } catch (error) {
    return [{ what: `writing ${file}`, why: adviceFor(codeOf(error)) }];
  }
}

/** Returns the missing permissions to change entries of a directory, or of the one above if it does not exist yet. */
function lackingIn(directory: string): Omission[] {
  const existing = existsSync(directory) ? directory : path.dirname(directory);
  if (statSync(existing, { throwIfNoEntry: false })?.isDirectory() === false) {
    return [{ what: `writing in ${existing}`, why: adviceFor('ENOTDIR') }];
  }
  return lacking(existing, constants.W_OK | constants.X_OK);
}

/** Returns what refuses a change of a file that this user may make by permission. */
function refusalsOf({ path: file, found }: FileChange): Omission[] {
  const problem = foreignOwner(found);
  if (problem !== undefined) return [{ what: `writing ${file}`, why: `it ${problem}` }];
  return found === undefined ? [] : lacking(file);
}

/**
 * Makes a planned change: all of it, or nothing. Plans again under the lock, because another process may have made a change
 * while this one waited.
 */
export function makeChange(root: string, dryRun: boolean, planOf: () => Plan): DefaultsChange {
  const outcome = (
    { before, after, file, overriddenBy, warnings }: Plan,
    applied: boolean,
    incomplete: Omission[],
  ) => ({
    applied,
    before,
    after: applied ? kernelDefaults({ root }) : after,
    file: file === undefined ? null : { path: file.path, action: actionOf(file) },
    overriddenBy,
    warnings,
    incomplete,
  });
  const plan = planOf();
  const { file, isUndo } = plan;
  const isWritten = file !== undefined && actionOf(file) !== 'unchanged';
  const missing = [
    ...(isWritten ? lackingIn(path.dirname(file.path)) : []),
    ...keepAliveSysctls.flatMap(({ key }) => lacking(sysctlFile(key, root))),
  ];
  const missingRecord = lackingIn(path.dirname(recordPath(root)));
  const all = [...missing, ...missingRecord];
  if (dryRun) {
    const [record] = missingRecord.length > 0 ? [] : plan.record();
    const refusals = [file, record].flatMap((change) => (change === undefined ? [] : refusalsOf(change)));
    return outcome(plan, false, [...refusals, ...all]);
  }
  // Without a file a restart takes the change back: then a missing record is no reason to refuse.
  const isRecordNeeded = isUndo || file !== undefined;
  if (missing.length > 0 || (isRecordNeeded && missingRecord.length > 0)) return outcome(plan, false, all);
  if (missingRecord.length > 0) {
    takeAllOrNone(stepsOf(root, plan, []));
    return outcome(plan, true, missingRecord);
  }
  if (file !== undefined) assertOwn(file.path, file.found);
  return withRecordLock(root, () => {
    const current = planOf();
    takeAllOrNone(stepsOf(root, current, current.record()));
    return outcome(current, true, []);
  });
}
