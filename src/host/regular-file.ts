import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';

/** Thrown when a path is not a regular file, or a file is larger than what is read. */
export class IrregularFileError extends Error {
  override readonly name = 'IrregularFileError';
  readonly code = 'ERR_IRREGULAR_FILE';
}

/** What kind of file something is, for a sentence. */
export function kindOfFile(status: Stats): string {
  if (status.isDirectory()) return 'a directory';
  if (status.isFIFO()) return 'a pipe';
  if (status.isSocket()) return 'a socket';
  return status.isFile() ? 'a regular file' : 'a device';
}

/**
 * Reads a file whose name somebody else may have chosen: a pipe would wait for a writer for ever, a device would not
 * end. The kind is asked of the open file, because another may take its name meanwhile.
 *
 * @throws {IrregularFileError} for anything but a regular file of at most `maxBytes`; else the error of `node:fs`.
 */
export function readRegularFile(file: string, maxBytes: number): Buffer {
  const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants;
  const fd = openSync(file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  try {
    const status = fstatSync(fd);
    if (!status.isFile()) throw new IrregularFileError(`it is ${kindOfFile(status)}, not a regular file`);
    if (status.size > maxBytes) throw new IrregularFileError(`it is larger than ${maxBytes} bytes`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}
