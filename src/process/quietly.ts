import { UnsupportedError } from '../native/index.js';

const told = new Set<string>();

/** A program whose connections fail in ever new ways is not to fill memory. */
const mostTold = 100;

/** Turns an error of this package into a process warning, once for each message. Never throws. */
export function warnOnce(error: unknown): void {
  try {
    const message = error instanceof Error ? error.message : String(error);
    if (told.has(message) || told.size >= mostTold) return;
    told.add(message);
    process.emitWarning(message, 'KeepAliveWarning');
  } catch {
    // A program may have replaced emitWarning, or thrown something that has no text.
  }
}

/**
 * Calls a function of this package within a call of the program, such as a write, which must never fail because of it.
 * An error becomes a process warning, once for each message. An {@link UnsupportedError} is left out: a stream that is
 * no TCP socket is nothing to warn of.
 */
export function quietly(call: () => void): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof UnsupportedError)) warnOnce(error);
  }
}
