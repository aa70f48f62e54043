import { isMainThread } from 'node:worker_threads';
import { UnsupportedError } from '../native/errors.js';
import { guarded } from '../node/guarded.js';
import { messageOf, warnOnce } from '../node/warn-once.js';
import { ConfigurationError } from '../policy/configuration-error.js';
import { threadState } from '../socket/thread-state.js';
import { applyConfiguration, checkOptions } from './apply/apply-to-process.js';
import { type Configuration, type NoPolicy, readConfiguration } from './apply/configuration.js';
import { startRegisteredWatch } from './registered-watch.js';

/**
 * Exits with code 1. With TCP_KEEPALIVE_ON_ERROR=warn, continues and emits a process warning.
 *
 * @param consequence The beginning of the warning.
 * @throws the error itself if no configuration can cause it.
 */
function refuse(error: unknown, consequence = 'no keepalive policy is in force'): void {
  if (process.env['TCP_KEEPALIVE_ON_ERROR'] === 'warn') {
    warnOnce(`${consequence}: ${messageOf(error)}`);
    return;
  }
  if (!(error instanceof ConfigurationError || error instanceof UnsupportedError)) throw error;
  process.stderr.write(`tcp-keepalive: ${error.message}\n`);
  process.exit(1);
}

/** Warns once a process: worker threads have the same environment. */
function warnOfNone({ lookedFor }: NoPolicy): void {
  if (!isMainThread) return;
  const hint =
    'set TCP_KEEPALIVE=30:5:3:auto before the process starts (dotenv in the program is too late), or TCP_KEEPALIVE=unmanaged to have none';
  warnOnce(`no keepalive policy is in force: ${lookedFor.join('; ')}; ${hint}`);
}

/** Returns the working directory; undefined if it was deleted or cannot be read. */
function workingDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

/** Applies the policy, and watches the peers if the configuration has `deadAfter`. */
function register({ policy, options, watch, sourceOf }: Configuration): void {
  checkOptions(options, sourceOf);
  // Without rules every connection is left to the program: nothing needs to be wrapped.
  const isAllUnmanaged = policy === 'unmanaged' && options.rules === undefined;
  const applied = isAllUnmanaged ? undefined : applyConfiguration(policy, options, sourceOf);
  threadState.endRegistered = applied?.close;
  try {
    const settings = watch();
    if (settings === undefined) return;
    const endWatch = startRegisteredWatch(settings, options.summarySignal);
    threadState.endRegistered = () => {
      applied?.close();
      endWatch();
    };
  } catch (error) {
    refuse(error, 'no peers are watched');
  }
}

try {
  const configuration = readConfiguration(process.env, workingDirectory());
  const { endRegistered } = threadState;
  threadState.endRegistered = undefined;
  if (endRegistered !== undefined) guarded(endRegistered);
  if ('lookedFor' in configuration) warnOfNone(configuration);
  else register(configuration);
} catch (error) {
  refuse(error);
}
