import { builtFile } from '../native/package-files.js';
import { callExported, callExportedLater } from '../native/thread/ask.js';
import type { ErrorClasses } from '../native/thread/portable.js';
import { ConfigurationError } from '../policy/configuration-error.js';
import { PolicyError } from '../policy/errors.js';

export { isForwarding as isWorker } from '../native/thread/role.js';

/** Returns a reference to a function of `tcp-keepalive/linux`. */
function exported(name: string, classes?: ErrorClasses) {
  const module = builtFile('linux.js');
  return { module, name, classes: { ConfigurationError, PolicyError, ...classes } };
}

/**
 * Makes the process's native thread run a function of `tcp-keepalive/linux` for this worker thread. So the function closes
 * its descriptors and restores its overrides even if this worker is terminated meanwhile.
 *
 * @param classes The errors that the function throws, besides those of system calls, policies and configuration.
 */
export function fromWorker<Result>(name: string, args: readonly unknown[], classes?: ErrorClasses): Result {
  return callExported(exported(name, classes), args) as Result;
}

/** Like {@link fromWorker}, for a function that returns a promise. */
export function laterFromWorker<Result>(name: string, args: readonly unknown[]): Promise<Result> {
  return callExportedLater(exported(name), args) as Promise<Result>;
}
