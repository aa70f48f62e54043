import { readMilliseconds, spokenDuration } from './duration.js';
import { describeValue, PolicyError } from './errors.js';
import { policyAllowed, refuseUnknownFields } from './field-names.js';
import { type KeepAlivePolicy, limits, type SettingField, type ValidPolicy } from './policy.js';
import { detectionFields, isSettable, isState, type KeepAliveState, settingFields, settingsOf } from './settings.js';
import { secondsMeant } from './unit-slip.js';

/** Go and others have -1 for a number that is left as it is, Node.js has 0. */
const leaveOutHint = 'to leave it as it is, leave the field out';

/** Policy text cannot leave a number out. */
export const leaveOutOfTextHint =
  'policy text states each number: to leave it as it is, pass an object without the field';

/** Returns the hint for a value with which others leave a number as it is; undefined for any other value. */
export function leaveOutHintFor(field: SettingField, given: unknown, hint = leaveOutHint): string | undefined {
  const number = typeof given === 'string' ? Number.parseFloat(given) : given;
  const isOther = given === '' || given === null || (typeof number === 'number' && number <= 0);
  return isOther && !(number === 0 && limits[field].min === 0) ? hint : undefined;
}

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
  leaveOut = leaveOutHint,
): number {
  if (isSettable(field, ms) && ms % limits[field].step === 0) return ms;
  if (!Number.isFinite(ms)) throw new PolicyError(field, given, limits[field].allowed);
  const shown = typeof given === 'number' ? spokenDuration(ms) : describeValue(given);
  const hint = [nearestText(field, ms), leaveOutHintFor(field, given, leaveOut)].filter(Boolean).join('; ');
  throw new PolicyError(field, given, limits[field].allowed, slip ?? hint, shown);
}

/** Checks a number of probes, or a user timeout in milliseconds. */
export function validateNumber(
  field: 'count' | 'userTimeout',
  value: unknown,
  given: unknown = value,
  leaveOut = leaveOutHint,
): number {
  if (typeof value === 'number' && Number.isInteger(value) && isSettable(field, value)) return value;
  throw new PolicyError(field, given, limits[field].allowed, leaveOutHintFor(field, given, leaveOut));
}

function milliseconds(field: SettingField, value: unknown): number {
  const ms = readMilliseconds(value);
  if (ms !== undefined) return ms;
  const form = `${limits[field].allowed}, as a number of milliseconds or text with a unit such as '30s'`;
  throw new PolicyError(field, value, form, leaveOutHintFor(field, value));
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

export const policyOrOffAllowed = `${policyAllowed}, or 'on' or 'off'`;

/**
 * Checks that each number can be set. A state can have other numbers, if its connection followed a sysctl beyond the limits.
 *
 * @throws {PolicyError} for the first number that cannot be set.
 */
export function assertSettable(policy: ValidPolicy): void {
  for (const field of settingFields) {
    const number = policy[field];
    if (typeof number !== 'number' || isSettable(field, number)) continue;
    const why = 'the state is of a connection that followed a sysctl beyond these limits';
    throw new PolicyError(field, number, limits[field].allowed, leaveOutHintFor(field, number) ?? why);
  }
}

interface Given {
  readonly names: readonly string[];
  readonly values: Fields;
  readonly enabled: unknown;
  readonly isPlain: boolean;
}

/**
 * Reads each field once, so that what is checked is what is used, whatever getters and proxies do. A state's deferred
 * options come before the interim ones that are in force.
 */
function readFields(policy: object, allowed: string): Given {
  try {
    const { enabled } = policy as { readonly enabled?: unknown };
    const { deferred } = enabled === undefined ? {} : (policy as { readonly deferred?: Partial<KeepAliveState> });
    const values = settingsOf((field) => deferred?.[field] ?? (policy as Fields)[field]);
    const isPlain = Object.prototype.toString.call(policy) === '[object Object]';
    return { names: Object.keys(policy), values, enabled: deferred?.enabled ?? enabled, isPlain };
  } catch {
    throw new PolicyError('policy', policy, allowed, 'reading its fields threw an error');
  }
}

/** Returns a number of a state. A number that follows a sysctl can be any that the sysctl can be. */
function stateNumber(field: SettingField, value: unknown): number {
  const number = value ?? limits[field].unstated;
  const isWhole = typeof number === 'number' && Number.isSafeInteger(number) && number % limits[field].step === 0;
  const isFollowing = isWhole && detectionFields.some((each) => each === field);
  return isFollowing ? number : validateField(field, number, {} as Fields, 0);
}

/**
 * Checks a policy object against the kernel's limits and gives its fields in milliseconds.
 *
 * @param leastMs A user timeout given as a number above 0 and below `leastMs` is a slip of unit.
 * @throws {PolicyError} if the kernel would refuse, truncate or misread a value.
 */
export function validatePolicy(policy: KeepAlivePolicy, leastMs = 0, allowed = policyAllowed): ValidPolicy {
  if (typeof policy !== 'object' || policy === null) throw new PolicyError('policy', policy, allowed);
  const given = readFields(policy, allowed);
  const { names, values, enabled } = given;
  // A promise, a Map or an array that says nothing is a mistake, not a policy that leaves everything as it is.
  if (!given.isPlain && enabled === undefined && Object.keys(values).length === 0) {
    throw new PolicyError('policy', policy, allowed);
  }
  refuseUnknownFields(policy, names, enabled !== undefined);
  if (enabled !== undefined && typeof enabled !== 'boolean') throw new PolicyError('enabled', enabled, 'true or false');
  const numbers = isState({ ...values, enabled }) && settingsOf((field) => stateNumber(field, values[field]));
  if (enabled !== undefined && numbers) return { ...numbers, enabled };
  const valid: { -readonly [Field in SettingField]?: number | 'system' } = {};
  for (const field of settingFields) {
    const value = values[field];
    if (value === undefined) continue;
    valid[field] = value === 'system' ? value : validateField(field, value, valid as Fields, leastMs);
  }
  return enabled === false ? { ...valid, enabled } : valid;
}
