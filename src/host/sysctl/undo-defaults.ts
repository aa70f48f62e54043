import path from 'node:path';
import { OptionsCheck } from '../../policy/options-check.js';
import {
  type KernelDefaults,
  keepAliveSysctls,
  kernelDefaults,
  type RootOption,
  sysctlNumber,
} from '../../socket/kernel-defaults.js';
import { fromWorker, isWorker } from '../from-worker.js';
import { type DefaultsChange, makeChange, type Plan } from './change.js';
import {
  type RecordedDefaults,
  readDefaultsRecord,
  recordContent,
  recordPath,
  runningKernel,
} from './defaults-record.js';
import { actionOf, type FileChange } from './file-change.js';
import { FileError } from './file-error.js';
import { type FoundFile, findFile } from './found-file.js';

export interface UndoKernelDefaultsOptions extends RootOption {
  /**
   * Changes nothing; the result shows what would be done, and what is missing for it.
   *
   * @default false
   */
  readonly dryRun?: boolean;
}

/** Returns the change that restores the file, unless somebody has changed the file since. */
function restoredFile({ file }: RecordedDefaults): FileChange | undefined {
  if (file === null) return undefined;
  const found = findFile(file.path);
  const { base64, mode = 0o644, gid } = file.before ?? {};
  const content = base64 === undefined ? undefined : Buffer.from(base64, 'base64');
  const change: FileChange = { path: file.path, found, content, mode, gid };
  const isAsLeft = found?.content.equals(Buffer.from(file.afterBase64, 'base64')) ?? false;
  if (isAsLeft || actionOf(change) === 'unchanged') return change;
  const what = found === undefined ? 'was removed since' : 'was changed since';
  throw new FileError(file.path, 'changed', what, 'edit it by hand', 'the file as it was left');
}

/** Returns whether a change has left nothing to undo. */
function isUndone({ file, before, after }: RecordedDefaults, now: KernelDefaults): boolean {
  if (keepAliveSysctls.some(({ field }) => now[field] !== before[field] && before[field] !== after[field]))
    return false;
  if (file === null) return true;
  return (findFile(file.path)?.content.toString('base64') ?? null) === (file.before?.base64 ?? null);
}

/**
 * Returns the changes of the record: first it keeps only the change that is undone, so that an undo that was killed and is
 * repeated undoes no other; then it goes.
 */
function recordChanges(
  file: string,
  found: FoundFile,
  bootId: string,
  change: RecordedDefaults,
  hasOthers: boolean,
): FileChange[] {
  const content = hasOthers ? recordContent(bootId, [change]) : found.content;
  const removal = { path: file, found: { ...found, content }, content: undefined, mode: 0o600 };
  return hasOthers ? [{ path: file, found, content, mode: 0o600 }, removal] : [removal];
}

function planOf(root: string): Plan {
  const record = readDefaultsRecord(root);
  const recordFile = recordPath(root);
  if (record === undefined) {
    throw new FileError(
      recordFile,
      'nothing-to-undo',
      'records no change',
      'there is nothing to undo',
      'a change made before',
    );
  }
  const { bootId, changed, found } = record;
  const here = runningKernel();
  const before = kernelDefaults({ root });
  const [last, previous] = changed as [RecordedDefaults, RecordedDefaults?];
  // A kill may have come before anything of the last change was made.
  const change = previous !== undefined && isUndone(last, before) ? previous : last;
  // After a restart the namespaces are new.
  if (here.bootId === bootId && here.netns !== change.netns) {
    const what = `records a change of network namespace ${change.netns}, and this is ${here.netns}`;
    throw new FileError(recordFile, 'changed', what, 'enter it with nsenter --net', 'the same namespace');
  }
  const own = keepAliveSysctls.filter(({ field }) =>
    [change.before[field], change.after[field]].includes(before[field]),
  );
  const others = keepAliveSysctls.filter((sysctl) => !own.includes(sysctl));
  return {
    before,
    after: { ...before, ...Object.fromEntries(own.map(({ field }) => [field, change.before[field]])) },
    file: restoredFile(change),
    overriddenBy: [],
    warnings: [
      ...(change === last ? [] : ['the last change is not in force any more: the one before it is undone']),
      ...others.map(
        (sysctl) =>
          `${sysctl.key} stays ${sysctlNumber(sysctl, before)}: it was set since, to other than ${sysctlNumber(sysctl, change.after)}`,
      ),
    ],
    isUndo: true,
    record: () => recordChanges(recordFile, found, bootId, change, changed.length > 1),
  };
}

/**
 * Undoes the last change that {@link setKernelDefaults} made. The file and the kernel's values are then as before that
 * change, also after a restart; a value that somebody set since stays, with a warning. Only one change can be undone: the
 * record is gone then.
 *
 * Blocks until the disk has the file, and up to 10 s while another process makes a change. Linux.
 *
 * @example
 * const { applied, file } = undoKernelDefaults({ dryRun: true });
 * @returns What was done, as from {@link setKernelDefaults}.
 * @throws {FileError} `nothing-to-undo` if there is no record; `changed` if somebody has edited the file since, because that
 *   edit would be lost.
 * @throws {ConfigurationError} if an option is unknown or of a wrong type.
 * @throws {SystemCallError} if a call fails; everything is then as before.
 */
export function undoKernelDefaults(options: UndoKernelDefaultsOptions = {}): DefaultsChange {
  const check = new OptionsCheck('undoKernelDefaults', options, ['root', 'dryRun']);
  check.texts('root');
  check.booleans('dryRun');
  if (isWorker()) return fromWorker('undoKernelDefaults', [options], { FileError });
  const root = path.resolve(options.root ?? '/');
  const { dryRun = false } = options;
  return makeChange(root, dryRun, () => planOf(root));
}
