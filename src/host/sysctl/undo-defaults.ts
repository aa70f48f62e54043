import type { KernelDefaults } from '../../socket/kernel-defaults.js';
import { fromWorker, isWorker } from '../from-worker.js';
import type { Omission } from '../list/connection.js';
import {
  actionOf,
  carryOut,
  type DefaultsChange,
  type FileChange,
  lackingPermissions,
  lackingUndo,
  restore,
  thisKernel,
} from './change.js';
import { undoing } from './failed-call.js';
import { FileError } from './file-error.js';
import { readRunningValues } from './running-values.js';
import type { RootOption } from './sources.js';
import { findFile } from './target-file.js';
import {
  readUndoSteps,
  restoreUndoSteps,
  type UndoStep,
  undoLogPath,
  withUndoLog,
  writeUndoSteps,
} from './undo-log.js';

export interface UndoKernelDefaultsOptions extends RootOption {
  /** Change nothing, and say what would be done and what is missing for it. */
  readonly dryRun?: boolean;
}

function newestStep(root: string): { step: UndoStep; others: UndoStep[] } {
  const steps = readUndoSteps(root);
  const step = steps.at(-1);
  if (step !== undefined) return { step, others: steps.slice(0, -1) };
  const file = undoLogPath(root);
  throw new FileError(file, 'nothing-to-undo', 'records no change', 'a change made before', 'there is nothing to undo');
}

/** Values of another namespace are not restored here; after a restart the namespaces are new. */
function refuseOtherNamespace(root: string, { bootId, netns }: UndoStep): void {
  const here = thisKernel();
  if (here.bootId !== bootId || here.netns === netns) return;
  throw new FileError(
    ...([undoLogPath(root), 'changed'] as const),
    `records a change of network namespace ${netns}, and this is ${here.netns}`,
    'the same namespace',
    'enter it with nsenter --net',
  );
}

/** The way back, unless somebody has changed the file since. */
function fileBefore({ file }: UndoStep): FileChange | undefined {
  if (file === null) return undefined;
  const found = findFile(file.path);
  const before = file.before === null ? undefined : Buffer.from(file.before.base64, 'base64');
  const back = {
    ...{ path: file.path, found, content: before, mode: file.before?.mode ?? 0o644 },
    ...(file.before === null ? {} : { gid: file.before.gid }),
  };
  const isAsLeft = found?.content.equals(Buffer.from(file.afterBase64, 'base64')) ?? false;
  if (isAsLeft || actionOf(back) === 'unchanged') return back;
  throw new FileError(
    ...([file.path, 'changed'] as const),
    found === undefined ? 'was removed since' : 'was changed since',
    'the file as it was left',
    'edit it by hand, or undo the other change first',
  );
}

interface Plan {
  readonly step: UndoStep;
  readonly others: readonly UndoStep[];
  readonly file: FileChange | undefined;
  readonly before: KernelDefaults;
}

function planOf(root: string): Plan {
  const { step, others } = newestStep(root);
  refuseOtherNamespace(root, step);
  return { step, others, file: fileBefore(step), before: readRunningValues(root) };
}

/** Undoes the newest step: all of it, or nothing. */
function apply(root: string, { step, others, file, before }: Plan): KernelDefaults {
  try {
    const after = carryOut(root, file, step.running.before);
    writeUndoSteps(root, others);
    return after;
  } catch (error) {
    return undoing(error, () => {
      restoreUndoSteps(root, [...others, step]);
      restore(root, file, before);
    });
  }
}

function outcome(plan: Plan, applied: boolean, after: KernelDefaults, incomplete: Omission[]): DefaultsChange {
  const { before, file } = plan;
  const shown = file === undefined ? null : { path: file.path, action: actionOf(file) };
  return { applied, before, after, file: shown, overriddenBy: [], warnings: [], incomplete };
}

/**
 * Undoes the last change that {@link setKernelDefaults} made, and called again the one before: the file and the
 * kernel's values are then as they were before that change, also after a restart.
 *
 * @returns What was done, as from {@link setKernelDefaults}.
 * @throws {FileError} `nothing-to-undo`; `changed` where somebody has edited the file since, which would be lost.
 */
export function undoKernelDefaults(options: UndoKernelDefaultsOptions = {}): DefaultsChange {
  if (isWorker()) return fromWorker('undoKernelDefaults', [options], { FileError });
  const { root = '/', dryRun = false } = options;
  const undo = () => {
    const plan = planOf(root);
    const missing = [...lackingPermissions(root, plan.file), ...lackingUndo(root)];
    if (dryRun || missing.length > 0) return outcome(plan, false, plan.step.running.before, missing);
    return outcome(plan, true, apply(root, plan), []);
  };
  // Without a step, there is no directory to lock.
  if (dryRun || readUndoSteps(root).length === 0) return undo();
  return withUndoLog(root, undo);
}
