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
  | 'nothing-to-undo';

/**
 * Thrown when a file is not one that may be written, or not in the state that was expected. Nothing has been changed.
 *
 * `file` is its path, `reason` why as a stable word, `allowed` what is accepted; the message also says what to do.
 */
export class FileError extends KeepAliveError {
  override readonly name = 'FileError';
  readonly code = 'ERR_KEEPALIVE_FILE';
  readonly file: string;
  readonly reason: FileRefusal;
  readonly allowed: string;

  constructor(file: string, reason: FileRefusal, found: string, allowed: string, advice: string) {
    super(`${file} ${found}; allowed is ${allowed}: ${advice}`);
    this.file = file;
    this.reason = reason;
    this.allowed = allowed;
  }
}
