import { lstatSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { withDirectoryLock } from '../../native/directory-lock.js';
import type { KernelDefaults } from '../../socket/kernel-defaults.js';
import { readRegularFile } from '../regular-file.js';
import { removeFile, replaceFile, syncDirectory } from './atomic-file.js';
import { attempt } from './failed-call.js';
import { FileError } from './file-error.js';
import { findFile, maxBytes } from './target-file.js';

/** A file's content and whose it is; `null` where there was no file. */
export type RecordedFile = { readonly base64: string; readonly mode: number; readonly gid: number } | null;

/** What one change did, and how to go back. */
export interface UndoStep {
  readonly at: string;
  /** The running kernel, and the network namespace in it, whose values were changed. */
  readonly bootId: string;
  readonly netns: number;
  readonly running: { readonly before: KernelDefaults; readonly after: KernelDefaults };
  readonly file: { readonly path: string; readonly before: RecordedFile; readonly afterBase64: string } | null;
}

const maxSteps = 50;

/** The record of changes: it must outlive a reboot, and no reader of configuration may stumble on it. */
export function undoLogPath(root: string): string {
  return path.join(root, 'var/lib/tcp-keepalive/defaults-undo.json');
}

function isDefaults(value: unknown): value is KernelDefaults {
  const { idle, interval, count } = (value ?? {}) as Partial<KernelDefaults>;
  return [idle, interval, count].every(Number.isInteger);
}

function isRecordedFile(value: unknown): value is RecordedFile {
  if (value === null) return true;
  const { base64, mode, gid } = (value ?? {}) as Partial<NonNullable<RecordedFile>>;
  return typeof base64 === 'string' && Number.isInteger(mode) && Number.isInteger(gid);
}

function isStep(value: unknown): value is UndoStep {
  const { at, bootId, netns, running, file } = (value ?? {}) as Partial<UndoStep>;
  if (typeof at !== 'string' || typeof bootId !== 'string' || typeof netns !== 'number') return false;
  if (!isDefaults(running?.before) || !isDefaults(running?.after)) return false;
  if (file === null) return true;
  return typeof file?.path === 'string' && typeof file.afterBase64 === 'string' && isRecordedFile(file.before);
}

function parseSteps(text: string): UndoStep[] | undefined {
  try {
    const { steps } = JSON.parse(text) as { steps?: unknown };
    return Array.isArray(steps) && steps.every(isStep) ? steps : undefined;
  } catch {
    return undefined;
  }
}

/** The changes that can be undone, the newest last. */
export function readUndoSteps(root: string): UndoStep[] {
  const file = undoLogPath(root);
  if (attempt('lstat', file, () => lstatSync(file, { throwIfNoEntry: false })) === undefined) return [];
  const steps = parseSteps(attempt('read', file, () => readRegularFile(file, maxBytes)).toString('utf8'));
  if (steps !== undefined) return steps;
  throw new FileError(file, 'damaged', 'is no record of changes', 'what this program wrote', 'move it away');
}

/** Creates the record's own directory, but none above it. */
function makeDirectory(directory: string): void {
  attempt('mkdir', directory, () => {
    try {
      mkdirSync(directory, { mode: 0o700 });
      syncDirectory(path.dirname(directory));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  });
}

/** A change takes milliseconds; the rest is for a disk that syncs slowly. */
const lockedWithinMs = 10_000;

/**
 * Runs `action` while no other process changes the record or the files that it names.
 *
 * @throws {SystemCallError} if another process holds the lock for longer than 10 s.
 */
export function withUndoLog<Result>(root: string, action: () => Result): Result {
  const directory = path.dirname(undoLogPath(root));
  makeDirectory(directory);
  return withDirectoryLock(directory, lockedWithinMs, action);
}

/** Replaces the record; without steps it is removed. */
export function writeUndoSteps(root: string, steps: readonly UndoStep[]): void {
  const file = undoLogPath(root);
  const found = findFile(file);
  if (steps.length > 0) {
    const content = Buffer.from(`${JSON.stringify({ steps: steps.slice(-maxSteps) }, null, 2)}\n`);
    replaceFile(file, found, { content, mode: 0o600 });
  } else if (found !== undefined) removeFile(file);
}

/** Restores the record after a failure, unless it is unchanged. */
export function restoreUndoSteps(root: string, steps: readonly UndoStep[]): void {
  const isRestored = () => JSON.stringify(readUndoSteps(root)) === JSON.stringify(steps);
  if (isRestored()) return;
  try {
    writeUndoSteps(root, steps);
  } catch (error) {
    // If only the sync of the directory failed, the record is restored nevertheless.
    if (!isRestored()) throw error;
  }
}
