import { KeepAliveError } from '../../policy/keep-alive-error.js';

/** Why a file is refused. */
export type FileRefusal =
  | 'symlink'
  | 'directory'
  | 'not-regular'
  | 'hard-linked'
  | 'read-only'
  | 'other-owner'
  | 'missing-directory'
  | 'too-large'
  | 'changed'
  | 'damaged'
  | 'own-record'
  | 'nothing-to-undo';

const regular = 'a regular file of your own, with one name';

/**
 * Thrown when a file must not be written, or is not in the expected state. Nothing has been changed.
 *
 * `file` is the path, `reason` a stable word, `allowed` what is accepted. The message also says what to do.
 */
export class FileError extends KeepAliveError {
  override readonly name = 'FileError';
  readonly code = 'ERR_KEEPALIVE_FILE';
  readonly file: string;
  readonly reason: FileRefusal;
  readonly allowed: string;

  /** @internal */
  constructor(file: string, reason: FileRefusal, found: string, advice: string, allowed = regular) {
    super(`${file} ${found}; allowed is ${allowed}: ${advice}`);
    this.file = file;
    this.reason = reason;
    this.allowed = allowed;
  }
}
