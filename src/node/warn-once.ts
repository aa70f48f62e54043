import { sharedInThread } from './thread-map.js';

/** The greatest number of warnings: connections that fail in ever new ways must not fill memory. */
const mostWarnings = 100;

/** Returns the text of a thrown value of any kind. */
export function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return 'an error without a message';
  }
}

/** The messages of the process warnings that were emitted. */
const warnings = sharedInThread('warnings/1', () => new Set<string>());

/** Emits a process warning once for each message. Never throws. */
export function warnOnce(message: string): void {
  try {
    if (warnings.has(message) || warnings.size >= mostWarnings) return;
    warnings.add(message);
    process.emitWarning(message, 'KeepAliveWarning');
  } catch {
    // The program has replaced `emitWarning`, or a function that it calls.
  }
}
