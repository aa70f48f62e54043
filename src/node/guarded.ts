import { UnsupportedError } from '../native/errors.js';
import { messageOf, warnOnce } from './warn-once.js';

/** Runs code of this package inside a call of the program. Turns an error into a process warning and returns undefined. */
export function guarded<Result>(run: () => Result): Result | undefined {
  try {
    return run();
  } catch (error) {
    warnOnce(`the keepalive policy could not be kept for a connection: ${messageOf(error)}`);
    return undefined;
  }
}

/**
 * Runs code of a watch like {@link guarded}, but ignores an {@link UnsupportedError}: a watch leaves out streams that are no
 * TCP sockets.
 */
export function quietly(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof UnsupportedError)) warnOnce(messageOf(error));
  }
}
