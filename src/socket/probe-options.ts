import { ConfigurationError, type Duration, readMilliseconds, secondsMeant } from '../policy/index.js';

/** How a peer is asked. */
export interface ProbeOptions {
  /** How long to wait for an answer, in milliseconds or as text; 2 s unless stated. */
  readonly timeout?: Duration;
}

/** Nobody asks a peer for less, who does not spell the unit: the kernel takes as long to send the question. */
const leastTimeoutMs = 20;

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
  const slip = secondsMeant(timeout, leastTimeoutMs);
  if (ms !== undefined && ms > 0 && slip === undefined) return ms;
  const allowed = "a duration of more than 0 ms, such as '2s' or 2000";
  throw new ConfigurationError(name, 'timeout', timeout, slip === undefined ? allowed : `${allowed} (${slip})`);
}
