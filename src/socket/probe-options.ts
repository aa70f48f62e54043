import { ConfigurationError, type Duration, readMilliseconds } from '../policy/index.js';

/** How a peer is asked. */
export interface ProbeOptions {
  /** How long to wait for an answer, in milliseconds or as text; 2 s unless stated. */
  readonly timeout?: Duration;
}

/**
 * How long the function of this name is to wait for an answer, in milliseconds.
 *
 * @throws {ConfigurationError} for options that are none, and a timeout that is none.
 */
export function probeTimeout(name: string, options: ProbeOptions): number {
  if (typeof options !== 'object' || options === null) {
    throw new ConfigurationError(name, '', options, "given options such as { timeout: '2s' }, or none");
  }
  const { timeout = 2000 } = options;
  const ms = readMilliseconds(timeout);
  if (ms !== undefined && ms > 0) return ms;
  throw new ConfigurationError(name, 'timeout', timeout, "a duration of more than 0 ms, such as '2s' or 2000");
}
