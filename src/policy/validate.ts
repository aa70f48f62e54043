import { closestName } from './closest-name.js';
import { readMilliseconds, spokenDuration } from './duration.js';
import { describeValue, PolicyError, type PolicyField } from './errors.js';
import { limits } from './limits.js';
import type { KeepAlivePolicy, ValidPolicy } from './policy.js';
import { secondsMeant } from './unit-slip.js';

/** Other libraries' words for the same four numbers, so that an error can name ours. */
const knownAliases: Readonly<Record<string, keyof ValidPolicy>> = {
  time: 'idle',
  delay: 'idle',
  initialDelay: 'idle',
  keepAliveInitialDelay: 'idle',
  intvl: 'interval',
  probes: 'count',
  retries: 'count',
  timeout: 'userTimeout',
};

type Seconds = 'idle' | 'interval';

const secondsLimits = { idle: limits.idleSeconds, interval: limits.intervalSeconds } as const;

const secondsAllowed = 'a whole number of seconds from 1 s to 32767 s';
const countAllowed = 'a whole number from 1 to 127';
const userTimeoutAllowed = "0 (off) to 2147483647 ms, in whole milliseconds, or 'auto'";

function nearestSeconds(ms: number): string {
  const { min, max } = limits.idleSeconds;
  const below = Math.floor(ms / 1000);
  const nearest = [below, below + 1].map((s) => Math.min(max, Math.max(min, s)));
  const unique = [...new Set(nearest)];
  return unique.length === 1 ? `the nearest is ${unique[0]} s` : `the nearest are ${unique[0]} s and ${unique[1]} s`;
}

/** Checks a count of milliseconds for `idle` or `interval`, which the kernel keeps in whole seconds. */
export function validateSeconds(field: Seconds, ms: number, given: unknown, slip = secondsMeant(given, 1000)): number {
  const { min, max } = secondsLimits[field];
  if (Number.isInteger(ms / 1000) && ms >= min * 1000 && ms <= max * 1000) return ms;
  if (!Number.isFinite(ms)) throw new PolicyError(field, given, secondsAllowed);
  throw new PolicyError(
    field,
    given,
    secondsAllowed,
    slip ?? nearestSeconds(ms),
    typeof given === 'number' ? spokenDuration(ms) : describeValue(given),
  );
}

/** Checks a number of probes. */
export function validateCount(count: unknown, given: unknown = count): number {
  const { min, max } = limits.count;
  if (typeof count === 'number' && Number.isInteger(count) && count >= min && count <= max) return count;
  throw new PolicyError('count', given, countAllowed);
}

/** Checks a user timeout in milliseconds. */
export function validateUserTimeout(ms: number, given: unknown): number {
  const { min, max } = limits.userTimeoutMs;
  if (Number.isInteger(ms) && ms >= min && ms <= max) return ms;
  throw new PolicyError('userTimeout', given, userTimeoutAllowed);
}

function milliseconds(field: PolicyField, value: unknown, allowed: string): number {
  const ms = readMilliseconds(value);
  if (ms === undefined) {
    throw new PolicyError(field, value, `${allowed}, as a number of milliseconds or text with a unit such as '30s'`);
  }
  return ms;
}

function secondsField(field: Seconds, value: unknown): number | 'system' | undefined {
  if (value === undefined || value === 'system') return value;
  return validateSeconds(field, milliseconds(field, value, secondsAllowed), value);
}

function countField(value: unknown): number | 'system' | undefined {
  return value === undefined || value === 'system' ? value : validateCount(value);
}

/** The user timeout that `'auto'` stands for: idle + interval x count. */
export function autoUserTimeout(idle: number, interval: number, count: number): number {
  return idle + interval * count;
}

/** Checks the user timeout that `'auto'` comes to: with long times and many probes it is more than the kernel takes. */
export function validateAutoUserTimeout(idle: number, interval: number, count: number): number {
  const ms = autoUserTimeout(idle, interval, count);
  const shown = `'auto', which is ${spokenDuration(ms)} here`;
  if (ms > limits.userTimeoutMs.max) throw new PolicyError('userTimeout', 'auto', userTimeoutAllowed, undefined, shown);
  return ms;
}

/**
 * A shorter user timeout ends before the kernel has waited for one answer (include/net/tcp.h, TCP_RTO_MIN). A route may
 * have another minimum: spell the unit for such a route.
 */
export const leastUserTimeoutMs = 200;

type OtherFields = Omit<ValidPolicy, 'userTimeout'>;

function userTimeoutField(value: unknown, others: OtherFields, leastMs: number): ValidPolicy['userTimeout'] {
  if (value === undefined || value === 'system') return value;
  if (value !== 'auto') {
    const slip = secondsMeant(value, leastMs);
    if (slip === undefined) return validateUserTimeout(milliseconds('userTimeout', value, userTimeoutAllowed), value);
    throw new PolicyError('userTimeout', value, `0 (off), or ${leastMs} ms or more where it has no unit`, slip);
  }
  const { idle, interval, count } = others;
  if (typeof idle !== 'number' || typeof interval !== 'number' || typeof count !== 'number') {
    throw new PolicyError('userTimeout', value, 'a duration where idle, interval and count are not all numbers');
  }
  return validateAutoUserTimeout(idle, interval, count);
}

type Fields = Readonly<Record<keyof ValidPolicy, unknown>>;

const policyAllowed = "policy text such as '30:5:3' or an object of idle, interval, count and userTimeout";
export const policyOrOffAllowed = `${policyAllowed}, or 'off'`;

/** Reads each field once, so that what is checked is what is used, whatever getters and proxies do. */
function readFields(policy: object, allowed: string): { keys: string[]; values: Fields; isPlain: boolean } {
  try {
    const { idle, interval, count, userTimeout } = policy as Fields;
    const isPlain = Object.prototype.toString.call(policy) === '[object Object]';
    return { keys: Object.keys(policy), values: { idle, interval, count, userTimeout }, isPlain };
  } catch {
    throw new PolicyError('policy', policy, allowed, 'reading its fields threw an error');
  }
}

const fieldNames: readonly string[] = ['idle', 'interval', 'count', 'userTimeout'];

/** A state has values that no policy may have, such as those of a sysctl beyond the limits, and can be off. */
const stateHint = 'of a state, `const { enabled, ...policy } = state`, pass `enabled && policy`';

function refuseUnknownFields(policy: object, keys: readonly string[]): void {
  for (const key of keys) {
    if (fieldNames.includes(key)) continue;
    const meant = Object.hasOwn(knownAliases, key) ? knownAliases[key] : undefined;
    const closest = closestName(key, fieldNames);
    const guess = closest === undefined ? undefined : `did you mean "${closest}"?`;
    const hint = key === 'enabled' ? stateHint : meant === undefined ? guess : `it is called '${meant}' here`;
    const allowed = 'made of idle, interval, count and userTimeout';
    throw new PolicyError('policy', policy, allowed, hint, `a field ${describeValue(key)}`);
  }
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
  if (!isPlain && Object.values(values).every((value) => value === undefined)) {
    throw new PolicyError('policy', policy, allowed);
  }
  refuseUnknownFields(policy, keys);
  const idle = secondsField('idle', values.idle);
  const interval = secondsField('interval', values.interval);
  const count = countField(values.count);
  const userTimeout = userTimeoutField(values.userTimeout, { idle, interval, count }, leastMs);
  return { idle, interval, count, userTimeout };
}
