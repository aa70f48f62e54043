import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import type { KernelDefaults } from '../../socket/kernel-defaults.js';
import { bootId, bootIdFile } from '../boot-id.js';
import type { Omission } from '../list/connection.js';
import { removeFile, replaceFile } from './atomic-file.js';
import { adviceFor, attempt, attemptAll, codeOf } from './failed-call.js';
import { FileError } from './file-error.js';
import { keepAliveSysctls } from './keys.js';
import { procFile, readRunningValues, runningValueWrites } from './running-values.js';
import type { SysctlSource } from './sources.js';
import { type FoundFile, findFile } from './target-file.js';
import { type UndoStep, undoLogPath } from './undo-log.js';

/** What a change of the kernel's defaults did, or would do. */
export interface DefaultsChange {
  /** Whether it was done; not with `dryRun`, nor where a permission is missing. */
  readonly applied: boolean;
  /** The kernel's values, read before. */
  readonly before: KernelDefaults;
  /** The kernel's values, read back after; where nothing was done, those it would have. */
  readonly after: KernelDefaults;
  /** What became of the file; `null` where none was concerned. */
  readonly file: { readonly path: string; readonly action: 'created' | 'changed' | 'unchanged' | 'removed' } | null;
  /** Lines that decide otherwise when the machine next starts: later in the order, or hiding the file. */
  readonly overriddenBy: readonly SysctlSource[];
  readonly warnings: readonly string[];
  /** What is not permitted: nothing was done then, but that a change of the running kernel may not be undone. */
  readonly incomplete: readonly Omission[];
}

/** A file as it is and as it is going to be; without content it is going to be removed. */
export interface FileChange {
  readonly path: string;
  readonly found: FoundFile | undefined;
  readonly content: Buffer | undefined;
  /** For a file that is made anew. */
  readonly mode: number;
  readonly gid?: number;
}

const ownNetwork = '/proc/self/ns/net';

/** Which running kernel and network namespace this is. */
export function thisKernel(): { bootId: string; netns: number } {
  return {
    bootId: attempt('read', bootIdFile, bootId),
    netns: attempt('stat', ownNetwork, () => statSync(ownNetwork).ino),
  };
}

export function actionOf({ found, content }: FileChange): 'created' | 'changed' | 'unchanged' | 'removed' {
  if (content === undefined) return found === undefined ? 'unchanged' : 'removed';
  if (found === undefined) return 'created';
  return found.content.equals(content) ? 'unchanged' : 'changed';
}

function lacking(file: string, mode: number): Omission[] {
  try {
    accessSync(file, mode);
    return [];
  } catch (error) {
    return [{ what: `writing ${file}`, why: adviceFor(codeOf(error)) }];
  }
}

/** What is not permitted, asked before anything is touched. */
export function lackingPermissions(root: string, file: FileChange | undefined): Omission[] {
  const { W_OK, X_OK } = constants;
  const isWritten = file !== undefined && actionOf(file) !== 'unchanged';
  const files = keepAliveSysctls.map((sysctl) => procFile(root, sysctl));
  return [
    ...(isWritten ? lacking(path.dirname(file.path), W_OK | X_OK) : []),
    ...files.flatMap((name) => lacking(name, W_OK)),
  ];
}

/** That the file is somebody else's, for a preview; doing it is refused with an error. */
export function lackingOwnership(file: FileChange | undefined): Omission[] {
  const self = process.geteuid?.() ?? 0;
  const owner = file?.found?.uid ?? self;
  if (file === undefined || owner === self) return [];
  return [{ what: `writing ${file.path}`, why: `it belongs to user ${owner}, and you are ${self}` }];
}

/** Returns whether what has to be kept for undoing can be written. */
export function lackingUndo(root: string): Omission[] {
  const directory = path.dirname(undoLogPath(root));
  try {
    accessSync(directory, constants.F_OK);
  } catch {
    return lacking(path.dirname(directory), constants.W_OK | constants.X_OK);
  }
  return lacking(directory, constants.W_OK | constants.X_OK);
}

function writeFileChange({ path: file, found, content, mode, gid }: FileChange): void {
  if (content === undefined) removeFile(file);
  else replaceFile(file, found, { content, mode: found?.mode ?? mode, uid: found?.uid, gid: found?.gid ?? gid });
}

function hasContent(file: FoundFile | undefined, content: Uint8Array | undefined): boolean {
  return file === undefined || content === undefined ? file === content : file.content.equals(content);
}

/** Restores a file, unless it is unchanged. */
function restoreFile(change: FileChange): void {
  const { path: file, found, content } = change;
  const now = findFile(file);
  if (hasContent(now, found?.content)) return;
  if (!hasContent(now, content)) {
    throw new FileError(
      file,
      'changed',
      'was changed by somebody else just now',
      'the file as it was left',
      'look at it',
    );
  }
  try {
    if (found === undefined) removeFile(file);
    else replaceFile(file, now, found);
  } catch (error) {
    // If only the sync of the directory failed, the file is restored nevertheless.
    if (!hasContent(findFile(file), found?.content)) throw error;
  }
}

/** Restores the kernel's values and the file, each even if the other fails. Leaves unchanged ones alone. */
export function restore(root: string, file: FileChange | undefined, before: KernelDefaults): void {
  attemptAll([...runningValueWrites(root, before), () => file !== undefined && restoreFile(file)]);
}

/** Writes the file and the kernel's values. After a failure the caller must call {@link restore}. */
export function carryOut(root: string, file: FileChange | undefined, after: KernelDefaults): KernelDefaults {
  if (file !== undefined && actionOf(file) !== 'unchanged') writeFileChange(file);
  for (const write of runningValueWrites(root, after)) write();
  return readRunningValues(root);
}

/** What to remember of a change, before it is made. */
export function undoStep(file: FileChange | undefined, before: KernelDefaults, after: KernelDefaults): UndoStep {
  const recorded =
    file?.found === undefined
      ? null
      : { base64: file.found.content.toString('base64'), mode: file.found.mode, gid: file.found.gid };
  return {
    ...{ at: new Date().toISOString(), ...thisKernel(), running: { before, after } },
    file:
      file?.content === undefined
        ? null
        : { path: file.path, before: recorded, afterBase64: file.content.toString('base64') },
  };
}
