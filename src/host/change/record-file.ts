import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { messageOf } from '../../node/warn-once.js';
import { syncDirectory } from '../sync-directory.js';
import { RecordError, recordOf } from './record.js';
import type { Change } from './set.js';

/**
 * A file with a record of changes, for `set --undo`. The record is complete and on the disk before the first change, and is
 * finished after the last. If the process ends in between, the last complete line is the record.
 *
 * The file is written through one descriptor: in another user's folder, its name may lead to another file later.
 */
export class RecordFile implements Disposable {
  readonly #file: string;
  #fd: number | undefined;
  #planned: readonly Change[] = [];
  #plannedBytes = 0;

  /** @param file The path of a file that does not exist yet; {@link plan} creates it. */
  constructor(file: string) {
    this.#file = file;
  }

  /**
   * Creates the file and writes the planned changes. Without changes, no file is created.
   *
   * @throws {RecordError} if the file exists already, which leaves it as it is, or if it cannot be created or written; there
   * is no new file then.
   */
  plan(changes: readonly Change[]): void {
    if (changes.length === 0) return;
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    try {
      this.#fd = openSync(this.#file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    } catch (error) {
      throw this.#refusal(error, 'made');
    }
    const content = lineOf([], changes);
    try {
      writeAt(this.#fd, content, 0);
      fsyncSync(this.#fd);
      syncDirectory(path.dirname(this.#file));
    } catch (error) {
      this.#remove();
      throw this.#refusal(error, 'written');
    }
    this.#planned = changes;
    this.#plannedBytes = content.length;
  }

  /**
   * Replaces the planned changes by the changes that were made, or removes the file if none were.
   *
   * @param unsure Connections, by cookie, that may have been changed in part.
   * @throws {RecordError} if the file cannot be written; it keeps the planned changes then, and can be undone.
   */
  finish(made: readonly Change[], unsure: ReadonlySet<bigint>): void {
    const fd = this.#fd;
    if (fd === undefined) return;
    const planned = this.#planned.filter(({ connection }) => unsure.has(connection.cookie));
    if (made.length + planned.length === 0) {
      this.#remove();
      return;
    }
    try {
      this.#replace(fd, lineOf(made, planned));
    } catch (error) {
      const given = `but only what was planned is in it, which \`set --undo\` takes: ${messageOf(error)}`;
      throw new RecordError(this.#file, given, 'a record of what was changed');
    }
    if (this.#isAtItsName()) return;
    throw new RecordError(this.#file, 'but somebody moved, removed or replaced it', 'the record of what was changed');
  }

  /** Writes the new line after the old one, then over it, so that one of them is complete at every moment. */
  #replace(fd: number, content: Buffer): void {
    const behind = Math.max(this.#plannedBytes, content.length);
    try {
      const gap = Buffer.alloc(behind - this.#plannedBytes, '\n');
      writeAt(fd, Buffer.concat([gap, content]), this.#plannedBytes);
      fsyncSync(fd);
    } catch (error) {
      ftruncateSync(fd, this.#plannedBytes);
      throw error;
    }
    writeAt(fd, content, 0);
    fsyncSync(fd);
    ftruncateSync(fd, content.length);
    fsyncSync(fd);
  }

  #isAtItsName(): boolean {
    if (this.#fd === undefined) return false;
    const own = fstatSync(this.#fd);
    const named = lstatSync(this.#file, { throwIfNoEntry: false });
    return named?.dev === own.dev && named.ino === own.ino;
  }

  #remove(): void {
    if (this.#isAtItsName()) unlinkSync(this.#file);
  }

  #refusal(error: unknown, verb: 'made' | 'written'): RecordError {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    const given = isThere ? 'but it exists already' : `and cannot be ${verb}: ${messageOf(error)}`;
    return new RecordError(this.#file, given, 'a new file');
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

function lineOf(made: readonly Change[], planned: readonly Change[]): Buffer {
  return Buffer.from(`${JSON.stringify(recordOf(made, planned))}\n`);
}

function writeAt(fd: number, bytes: Buffer, position: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, position + at);
}
