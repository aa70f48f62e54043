import { SystemCallError } from '../../native/errors.js';

/** Returns the code of an error of node:fs. */
export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? 'EIO';
}

const advice: Readonly<Record<string, string>> = {
  EACCES: 'not permitted; run it as root',
  EPERM: 'not permitted; run it as root, and look for an immutable or append-only flag (lsattr)',
  EROFS: 'it is mounted read-only; in a container, set the value on the container (docker run --sysctl)',
  ENOENT: 'it does not exist',
  ENOTDIR: 'it is no directory; move it away',
  EISDIR: 'it is a directory; move it away',
  ELOOP: 'too many symbolic links lead from one to the next',
  ENAMETOOLONG: 'its name is too long; name another',
  ENOSPC: 'there is no space left',
  ERR_KEEPALIVE_IRREGULAR_FILE: 'it is no regular file of a sensible size',
  EBUSY: 'it is a mount point, which cannot be replaced',
};

/** Returns what a failed call means and what to do, for a message. */
export function adviceFor(code: string): string {
  if (code === 'EACCES' && process.geteuid?.() === 0) return 'not permitted, even to root; look at how it is mounted';
  return advice[code] ?? 'it failed';
}

/** Returns the error for a failed call of node:fs; the error names the call and the file. */
export function failedCall(call: string, file: string, cause: unknown): SystemCallError {
  const code = codeOf(cause);
  return new SystemCallError(`${call}(${file})`, code, adviceFor(code), cause);
}

/** Runs a call of node:fs; turns a failure into a {@link failedCall}. */
export function attempt<Result>(call: string, file: string, action: () => Result): Result {
  try {
    return action();
  } catch (cause) {
    throw failedCall(call, file, cause);
  }
}
