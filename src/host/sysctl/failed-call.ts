import { SystemCallError } from '../../native/errors.js';

/** The code of an error of node:fs. */
export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? 'EIO';
}

const advice: Readonly<Record<string, string>> = {
  EACCES: 'not permitted; run it as root',
  EPERM: 'not permitted; run it as root, and look for an immutable flag (lsattr)',
  EROFS: 'it is mounted read-only; in a container, set the value on the container (docker run --sysctl)',
  ENOENT: 'it does not exist',
  ENOSPC: 'there is no space left',
  ERR_KEEPALIVE_IRREGULAR_FILE: 'it is no regular file of a sensible size',
  EBUSY: 'it is a mount point, which cannot be replaced',
};

/** What a failed call means and what to do, for a message. */
export function adviceFor(code: string): string {
  return advice[code] ?? 'it failed';
}

/** Runs a call of node:fs and turns its failure into a {@link SystemCallError} that names the call and the file. */
export function attempt<Result>(call: string, file: string, action: () => Result): Result {
  try {
    return action();
  } catch (cause) {
    const code = codeOf(cause);
    throw new SystemCallError(`${call}(${file})`, code, adviceFor(code), cause);
  }
}

/** Runs every action, also after one has thrown, and then throws the first error. */
export function attemptAll(actions: readonly (() => void)[]): void {
  const errors: unknown[] = [];
  for (const action of actions) {
    try {
      action();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** Undoes what was done before `error`, and throws it; the message says so where that fails too. */
export function undoing(error: unknown, undo: () => void): never {
  try {
    undo();
  } catch (second) {
    const said = second instanceof Error ? second.message : String(second);
    if (error instanceof Error) error.message += `; and what was done before could not be restored: ${said}`;
  }
  throw error;
}
