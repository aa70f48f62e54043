import { UnsupportedError } from '../native/index.js';
import { threadState } from '../socket/thread-state.js';

/** A program whose connections fail in ever new ways is not to fill memory. */
const mostWarnings = 100;

/** The text of what was thrown, whatever that is. */
export function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return 'an error without a message';
  }
}

/** Emits a process warning, once for each message. Never throws. */
export function warnOnce(message: string): void {
  try {
    const { warnings } = threadState;
    if (warnings.has(message) || warnings.size >= mostWarnings) return;
    warnings.add(message);
    process.emitWarning(message, 'KeepAliveWarning');
  } catch {
    // The program has replaced `emitWarning`, or what it is built on.
  }
}

/**
 * Runs code of this package inside a call of the program, which must not hear of an error of ours: that error becomes a
 * process warning. Returns undefined then.
 */
export function guarded<Result>(run: () => Result): Result | undefined {
  try {
    return run();
  } catch (error) {
    warnOnce(`the keepalive policy could not be kept for a connection: ${messageOf(error)}`);
    return undefined;
  }
}

/**
 * As {@link guarded}, for a watch: an {@link UnsupportedError} is no warning, because a stream that is no TCP socket is
 * nothing to watch.
 */
export function quietly(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof UnsupportedError)) warnOnce(messageOf(error));
  }
}
