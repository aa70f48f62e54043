import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { KeepAliveError } from '../policy/keep-alive-error.js';

/** Thrown when a path is not a regular file, or the file is too large. */
export class IrregularFileError extends KeepAliveError {
  override readonly name = 'IrregularFileError';
  readonly code = 'ERR_KEEPALIVE_IRREGULAR_FILE';
}

/** Returns the kind of a file, with its article. */
export function kindOfFile(status: Stats): string {
  if (status.isDirectory()) return 'a directory';
  if (status.isFIFO()) return 'a pipe';
  if (status.isSocket()) return 'a socket';
  return status.isFile() ? 'a regular file' : 'a device';
}

/**
 * Reads a file whose name somebody else may have chosen. Refuses a pipe, which would wait for a writer, and a device, which
 * would not end. Checks the kind of the open file, because another file may take its name meanwhile.
 *
 * @throws {IrregularFileError} if it is no regular file or longer than `maxBytes`; else the error of `node:fs`.
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
