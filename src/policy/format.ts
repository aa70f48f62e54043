import { policyDuration } from './duration.js';
import { PolicyError } from './errors.js';
import { readCompletePolicy } from './parse.js';
import type { PolicyInput, SettingField } from './policy.js';
import { policyMillisecondsMeant, userTimeoutMillisecondsMeant } from './unit-slip.js';
import { autoUserTimeout } from './validate.js';

/**
 * Returns the canonical text of a policy, which `parsePolicy` reads back as the same policy.
 *
 * Writes whole seconds without a unit, unless they would be read as milliseconds. Writes other user timeouts as
 * `1500ms`, and a user timeout equal to idle + interval x count as `auto`.
 *
 * @example
 * formatPolicy({ idle: '30s', interval: '5s', count: 3, userTimeout: '1m' }); // '30:5:3:60'
 * @throws {PolicyError} if idle, interval or count is not a number, or out of range, or if the text has no place for a number.
 */
export function formatPolicy(policy: PolicyInput): string {
  const { idle, interval, count, userTimeout, ...others } = readCompletePolicy(policy);
  if (typeof policy === 'object' && policy.enabled === false) {
    throw new PolicyError('enabled', false, "true or left out, because the text of keepalive that is off is 'off'");
  }
  for (const [field, value] of Object.entries(others)) {
    throw new PolicyError(field as SettingField, value, 'left out, because policy text has no place for it');
  }
  const autoMs = autoUserTimeout(idle, interval, count);
  const bare = [policyDuration(idle), policyDuration(interval)] as const;
  const [idleText, intervalText] =
    policyMillisecondsMeant(bare.join(':')) === undefined ? bare : bare.map((text) => `${text}s`);
  const text = `${idleText}:${intervalText}:${count}`;
  if (userTimeout === undefined) return text;
  if (userTimeout === autoMs) return `${text}:auto`;
  const timeoutText = policyDuration(userTimeout);
  return `${text}:${timeoutText}${userTimeoutMillisecondsMeant(timeoutText, autoMs) === undefined ? '' : 's'}`;
}
