import { callExported, callExportedLater } from '../native/thread/ask.js';
import type { ErrorClasses } from '../native/thread/portable.js';
import { ConfigurationError, PolicyError } from '../policy/index.js';

export { isForwarding as isWorker } from '../native/thread/role.js';

/** A function of `tcp-keepalive/linux`. The file lies beside the folder of what is bundled. */
function exported(name: string, classes?: ErrorClasses) {
  const module = new URL('../linux.js', import.meta.url).href;
  return { module, name, classes: { ConfigurationError, PolicyError, ...classes } };
}

/**
 * Has the native thread of the process run a function of `tcp-keepalive/linux` for this worker thread. The native thread
 * closes what the function opens, and restores what it changes, also if this worker is terminated meanwhile.
 *
 * @param classes What the function throws, besides errors of system calls, policies and configuration.
 */
export function fromWorker<Result>(name: string, args: readonly unknown[], classes?: ErrorClasses): Result {
  return callExported(exported(name, classes), args) as Result;
}

/** As {@link fromWorker}, for a function that returns a promise. */
export function laterFromWorker<Result>(name: string, args: readonly unknown[]): Promise<Result> {
  return callExportedLater(exported(name), args) as Promise<Result>;
}
