import { assertKnownOptions, ConfigurationError } from '../../policy/configuration-error.js';
import { readMilliseconds } from '../../policy/duration.js';
import type { Duration } from '../../policy/policy.js';
import { secondsMeant } from '../../policy/unit-slip.js';

/** How peers are asked. */
export interface ProbeOptions {
  /**
   * How long to wait for an answer: a number of milliseconds, or text with a unit.
   *
   * @default '2s'
   */
  readonly timeout?: Duration;
}

/** A timeout below this is a slip of unit, unless the unit is spelled: the kernel takes as long to send the probe. */
const leastTimeoutMs = 20;

/**
 * Returns how long the named function waits for an answer, in milliseconds.
 *
 * @param more Further options of the function.
 * @throws {ConfigurationError} if `options` is not an object, or `timeout` is not a positive duration.
 */
export function probeTimeout(name: string, options: ProbeOptions, more: readonly string[] = []): number {
  assertKnownOptions(name, options, ['timeout', ...more]);
  const { timeout = 2000 } = options;
  const ms = readMilliseconds(timeout);
  const slip = secondsMeant(timeout, leastTimeoutMs);
  if (ms !== undefined && ms > 0 && slip === undefined) return ms;
  const allowed = "a duration of more than 0 ms, such as '2s' or 2000";
  throw new ConfigurationError(name, 'timeout', timeout, slip === undefined ? allowed : `${allowed} (${slip})`);
}
