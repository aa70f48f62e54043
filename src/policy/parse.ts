import { readDuration } from './duration.js';
import { PolicyError } from './errors.js';
import type { CompletePolicy, PolicyInput, SettingField, ValidPolicy } from './policy.js';
import { detectionFields, settingsOf, stated } from './settings.js';
import { millisecondsMeant, policyMillisecondsMeant, userTimeoutMillisecondsMeant } from './unit-slip.js';
import {
  autoUserTimeout,
  leastUserTimeoutMs,
  leaveOutHintFor,
  leaveOutOfTextHint,
  policyOrOffAllowed,
  validateAutoUserTimeout,
  validateNumber,
  validatePolicy,
  validateStepped,
} from './validate.js';

const form = "idle:interval:count[:userTimeout], such as '30:5:3', '30s:5s:3' or '30:5:3:auto'";

function parseSeconds(field: 'idle' | 'interval', text: string): number {
  const ms = readDuration(text, 's');
  if (ms === undefined) {
    const hint = leaveOutHintFor(field, text, leaveOutOfTextHint);
    throw new PolicyError(field, text, "a duration such as '30', '30s' or '1m30s'", hint);
  }
  return validateStepped(field, ms, text, millisecondsMeant(text), leaveOutOfTextHint);
}

function parseUserTimeout(text: string, idle: number, interval: number, count: number): number {
  if (text === 'auto') return validateAutoUserTimeout(idle, interval, count);
  const ms = readDuration(text, 's');
  const allowed = "a duration such as '45', '45s' or '1500ms', or 'auto'";
  const slip = userTimeoutMillisecondsMeant(text, autoUserTimeout(idle, interval, count));
  if (ms === undefined || slip !== undefined) {
    throw new PolicyError('userTimeout', text, allowed, slip ?? leaveOutHintFor('userTimeout', text));
  }
  return validateNumber('userTimeout', ms, text);
}

/** Policies that this module returned. They were checked for slips of unit, and their numbers may come from text. */
const checked = new WeakSet<object>();

/**
 * Reads policy text, `idle:interval:count[:userTimeout]`. Returns the numbers, times in milliseconds.
 *
 * A number without a unit is in seconds. The units are `ms`, `s`, `m` and `h`, also several: `1m30s`. The fourth field is a duration or `auto`, which
 * is idle + interval x count. Without the fourth field the user timeout is left as it is.
 *
 * @example
 * parsePolicy('30:5:3:auto'); // { idle: 30000, interval: 5000, count: 3, userTimeout: 45000 }
 * @throws {PolicyError} naming the field that is wrong, what was given and what is allowed.
 */
export function parsePolicy(text: string): CompletePolicy {
  if (typeof text !== 'string') throw new PolicyError('policy', text, `text of the form ${form}`);
  const [idleText, intervalText, countText, userTimeoutText, ...rest] = text.trim().split(':');
  if (idleText === undefined || intervalText === undefined || countText === undefined || rest.length > 0) {
    throw new PolicyError('policy', text, `text of the form ${form}`);
  }
  const idle = parseSeconds('idle', idleText);
  const interval = parseSeconds('interval', intervalText);
  const countGiven = /^\d{1,9}$/.test(countText) ? Number(countText) : Number.NaN;
  const count = validateNumber('count', countGiven, countText, leaveOutOfTextHint);
  const slip = policyMillisecondsMeant(text.trim());
  if (slip !== undefined) throw new PolicyError('policy', text, `text of the form ${form}`, slip);
  const policy: CompletePolicy =
    userTimeoutText === undefined
      ? { idle, interval, count }
      : { idle, interval, count, userTimeout: parseUserTimeout(userTimeoutText, idle, interval, count) };
  checked.add(policy);
  return policy;
}

/**
 * Gives the validated form of policy text or of a policy object.
 *
 * @throws {PolicyError} if the kernel would refuse, truncate or misread a value.
 */
export function readPolicy(input: PolicyInput, allowed?: string): ValidPolicy {
  const policy = typeof input === 'string' ? parsePolicy(input) : input;
  const valid = validatePolicy(policy, checked.has(policy) ? 0 : leastUserTimeoutMs, allowed);
  checked.add(valid);
  return valid;
}

/**
 * Reads a policy, `'off'` or `false`, which turn keepalive off, or `'on'` or `true`, which turn keepalive on and leave the
 * numbers as they are.
 *
 * @throws {PolicyError} if the kernel would refuse, truncate or misread a value.
 */
export function readPolicyOrOff(input: PolicyInput | boolean): ValidPolicy | false {
  if (input === false || input === 'off') return false;
  if (input === true || input === 'on') return {};
  const meant = typeof input === 'string' ? wordsMeant[input.trim().toLowerCase()] : undefined;
  if (meant === undefined) return readPolicy(input, policyOrOffAllowed);
  throw new PolicyError('policy', input, policyOrOffAllowed, `did you mean '${meant}'?`);
}

/** Other words for `'on'` and `'off'`, as people write them in the environment. */
const wordsMeant: Readonly<Record<string, 'on' | 'off' | undefined>> = {
  __proto__: null as never,
  true: 'on',
  yes: 'on',
  on: 'on',
  1: 'on',
  enable: 'on',
  enabled: 'on',
  false: 'off',
  no: 'off',
  off: 'off',
  0: 'off',
  disable: 'off',
  disabled: 'off',
};

/**
 * Returns a policy whose first three fields are all numbers, as predictions need them. The policy may come from a kernel,
 * so its numbers are not checked for slips of unit.
 *
 * @throws {PolicyError} also for a field that is missing or `'system'`.
 */
export function readCompletePolicy(input: PolicyInput): CompletePolicy {
  const policy: ValidPolicy = typeof input === 'string' ? parsePolicy(input) : validatePolicy(input);
  for (const field of detectionFields) {
    const allowed = field === 'count' ? 'a number' : 'a duration';
    if (typeof policy[field] !== 'number') throw new PolicyError(field, policy[field], allowed);
  }
  const systemUserTimeout = 0;
  const valueFor = (field: SettingField) => {
    const value = policy[field];
    if (value === 'system') return field === 'userTimeout' ? systemUserTimeout : undefined;
    return policy.enabled === undefined || value === undefined ? value : stated(field, value);
  };
  return settingsOf(valueFor) as CompletePolicy;
}
