import { didYouMean } from './closest-name.js';
import { readMilliseconds, spokenDuration } from './duration.js';
import { describeValue, PolicyError } from './errors.js';
import { type KeepAlivePolicy, limits, type SettingField, type ValidPolicy } from './policy.js';
import { isSettable, settingFields, settingsOf } from './settings.js';
import { secondsMeant } from './unit-slip.js';

/** Other libraries' words for these numbers, so that an error can name ours. */
const knownAliases: Readonly<Record<string, SettingField>> = {
  time: 'idle',
  delay: 'idle',
  initialDelay: 'idle',
  keepAliveInitialDelay: 'idle',
  intvl: 'interval',
  probes: 'count',
  retries: 'count',
  timeout: 'userTimeout',
  maxRto: 'rtoMax',
  rtoMaxMs: 'rtoMax',
};

function nearestText(field: SettingField, ms: number): string {
  const { min, max, step } = limits[field];
  const below = Math.floor(ms / step) * step;
  const nearest = [below, below + step].map((value) => spokenDuration(Math.min(max, Math.max(min, value))));
  const unique = [...new Set(nearest)];
  return unique.length === 1 ? `the nearest is ${unique[0]}` : `the nearest are ${unique.join(' and ')}`;
}

/** Checks a number of milliseconds of which the kernel keeps only multiples of a step. */
export function validateStepped(
  field: SettingField,
  ms: number,
  given: unknown,
  slip = isSettable(field, Number(given) * 1000) ? secondsMeant(given, limits[field].min) : undefined,
): number {
  if (isSettable(field, ms) && ms % limits[field].step === 0) return ms;
  if (!Number.isFinite(ms)) throw new PolicyError(field, given, limits[field].allowed);
  const shown = typeof given === 'number' ? spokenDuration(ms) : describeValue(given);
  throw new PolicyError(field, given, limits[field].allowed, slip ?? nearestText(field, ms), shown);
}

/** Checks a number of probes, or a user timeout in milliseconds. */
export function validateNumber(field: 'count' | 'userTimeout', value: unknown, given: unknown = value): number {
  if (typeof value === 'number' && Number.isInteger(value) && isSettable(field, value)) return value;
  throw new PolicyError(field, given, limits[field].allowed);
}

function milliseconds(field: SettingField, value: unknown): number {
  const ms = readMilliseconds(value);
  if (ms !== undefined) return ms;
  const form = `${limits[field].allowed}, as a number of milliseconds or text with a unit such as '30s'`;
  throw new PolicyError(field, value, form);
}

/** The user timeout that `'auto'` stands for: idle + interval x count. */
export function autoUserTimeout(idle: number, interval: number, count: number): number {
  return idle + interval * count;
}

/** Checks the user timeout that `'auto'` comes to: with long times and many probes it is more than the kernel takes. */
export function validateAutoUserTimeout(idle: number, interval: number, count: number): number {
  const ms = autoUserTimeout(idle, interval, count);
  const shown = `'auto', which is ${spokenDuration(ms)} here`;
  if (ms > limits.userTimeout.max)
    throw new PolicyError('userTimeout', 'auto', limits.userTimeout.allowed, undefined, shown);
  return ms;
}

/**
 * A shorter user timeout ends before the kernel has waited for one answer (include/net/tcp.h, TCP_RTO_MIN). A route may
 * have another minimum: spell the unit for such a route.
 */
export const leastUserTimeoutMs = 200;

type Fields = Readonly<Record<SettingField, unknown>>;

function validateUserTimeout(value: unknown, { idle, interval, count }: Fields, leastMs: number): number {
  if (value !== 'auto') {
    const slip = secondsMeant(value, leastMs);
    if (slip === undefined) return validateNumber('userTimeout', milliseconds('userTimeout', value), value);
    throw new PolicyError('userTimeout', value, `0 (off), or ${leastMs} ms or more where it has no unit`, slip);
  }
  if (typeof idle !== 'number' || typeof interval !== 'number' || typeof count !== 'number') {
    throw new PolicyError('userTimeout', value, 'a duration where idle, interval and count are not all numbers');
  }
  return validateAutoUserTimeout(idle, interval, count);
}

/** Checks the value of a field, of which `valid` has the fields before it. */
function validateField(field: SettingField, value: unknown, valid: Fields, leastMs: number): number {
  if (field === 'count') return validateNumber(field, value);
  if (field === 'userTimeout') return validateUserTimeout(value, valid, leastMs);
  return validateStepped(field, milliseconds(field, value), value);
}

const fieldNames = `${settingFields.slice(0, -1).join(', ')} and ${settingFields.at(-1)}`;
const policyAllowed = `policy text such as '30:5:3:auto' or an object of ${fieldNames}`;
export const policyOrOffAllowed = `${policyAllowed}, or 'off'`;

/** Reads each field once, so that what is checked is what is used, whatever getters and proxies do. */
function readFields(policy: object, allowed: string): { keys: string[]; values: Fields; isPlain: boolean } {
  try {
    const values = settingsOf((field) => (policy as Fields)[field]);
    const isPlain = Object.prototype.toString.call(policy) === '[object Object]';
    return { keys: Object.keys(policy), values, isPlain };
  } catch {
    throw new PolicyError('policy', policy, allowed, 'reading its fields threw an error');
  }
}

/** A state has values that no policy may have, such as those of a sysctl beyond the limits, and can be off. */
const stateHint = 'of a state, `const { enabled, ...policy } = state`, pass `enabled && policy`';

function refuseUnknownFields(policy: object, keys: readonly string[]): void {
  const unknown = keys.find((key) => !settingFields.includes(key as SettingField));
  if (unknown === undefined) return;
  const meant = Object.hasOwn(knownAliases, unknown) ? knownAliases[unknown] : undefined;
  const guess = meant === undefined ? didYouMean(unknown, settingFields) : `it is called '${meant}' here`;
  const hint = unknown === 'enabled' ? stateHint : guess;
  throw new PolicyError('policy', policy, `made of ${fieldNames}`, hint, `a field ${describeValue(unknown)}`);
}

/**
 * Checks a policy object against the kernel's limits and gives its fields in milliseconds.
 *
 * @param leastMs A user timeout given as a number above 0 and below `leastMs` is a slip of unit.
 * @throws {PolicyError} if the kernel would refuse, truncate or misread a value.
 */
export function validatePolicy(policy: KeepAlivePolicy, leastMs = 0, allowed = policyAllowed): ValidPolicy {
  if (typeof policy !== 'object' || policy === null) throw new PolicyError('policy', policy, allowed);
  const { keys, values, isPlain } = readFields(policy, allowed);
  // A promise, a Map or an array that says nothing is a mistake, not a policy that leaves everything as it is.
  if (!isPlain && Object.keys(values).length === 0) throw new PolicyError('policy', policy, allowed);
  refuseUnknownFields(policy, keys);
  const valid: { -readonly [Field in SettingField]?: number | 'system' } = {};
  for (const field of settingFields) {
    const value = values[field];
    if (value === undefined) continue;
    valid[field] = value === 'system' ? value : validateField(field, value, valid as Fields, leastMs);
  }
  return valid;
}
