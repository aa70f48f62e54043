import { isOff, type ValidPolicy } from '../../policy/policy.js';
import { detectionFields, isSettable } from '../../policy/settings.js';
import type { CallSite } from './call-site.js';

/** What a call of `setKeepAlive` asks for, as far as the kernel could be given it. */
export interface RequestedKeepAlive {
  readonly enable: boolean;
  readonly idle: number | undefined;
  readonly interval: number | undefined;
  readonly count: number | undefined;
}

/** The calls of `setKeepAlive` on a socket that is not connected yet. */
export interface EarlierCalls {
  /** What they ask for together. */
  readonly requested: RequestedKeepAlive;
  readonly last: KeepAliveCall;
}

/** One call of `setKeepAlive`. */
export interface KeepAliveCall {
  readonly requested: RequestedKeepAlive;
  readonly site: () => CallSite | undefined;
  /** Whether it was counted as overruled: it is carried out twice, when connecting and when connected. */
  isCounted: boolean;
}

interface Given {
  readonly enable?: unknown;
  readonly initialDelay?: unknown;
  readonly interval?: unknown;
  readonly count?: unknown;
}

/** The whole seconds of a duration, as Node.js cuts it, in milliseconds; `undefined` for what it leaves out. */
function duration(ms: unknown): number | undefined {
  const kept = Math.trunc(Number(ms) / 1000) * 1000;
  return isSettable('idle', kept) ? kept : undefined;
}

function countOf(count: unknown): number | undefined {
  return typeof count === 'number' && Number.isInteger(count) && isSettable('count', count) ? count : undefined;
}

/** Reads the arguments of `net.Socket.prototype.setKeepAlive` in all the forms that Node.js 20 to 26 know. */
export function requestOf([first, delay, interval, count]: readonly unknown[]): RequestedKeepAlive {
  const given: Given =
    typeof first === 'object' && first !== null ? first : { enable: first, initialDelay: delay, interval, count };
  if (!given.enable) return { enable: false, idle: undefined, interval: undefined, count: undefined };
  return {
    enable: true,
    idle: duration(given.initialDelay),
    interval: duration(given.interval),
    count: countOf(given.count),
  };
}

/** Reads the arguments with which Node.js itself calls a handle, in seconds. */
export function requestOnHandle([enable, delay, interval, count]: readonly unknown[]): RequestedKeepAlive {
  return requestOf([enable, Number(delay) * 1000, Number(interval) * 1000, count]);
}

/** What two calls ask for, one after the other: Node.js leaves a number unchanged that the later call does not state. */
export function mergeRequests(earlier: RequestedKeepAlive | undefined, later: RequestedKeepAlive): RequestedKeepAlive {
  return {
    enable: later.enable,
    idle: later.idle ?? earlier?.idle,
    interval: later.interval ?? earlier?.interval,
    count: later.count ?? earlier?.count,
  };
}

/** How what a program asks for and the policy come together. */
export type ProcessMode = 'enforce' | 'fill';

/**
 * The policy for a connection on which a program has called `setKeepAlive`.
 *
 * `'enforce'`: the policy's fields, then the program's; `false` stays off. `'fill'`: the program's fields, then the policy's.
 * Numbers that nobody asked for, such as libuv's 1 s x 10, are in neither.
 */
export function mergeRequest(
  policy: ValidPolicy,
  requested: RequestedKeepAlive | undefined,
  mode: ProcessMode,
): ValidPolicy;
export function mergeRequest(
  policy: ValidPolicy | false,
  requested: RequestedKeepAlive | undefined,
  mode: ProcessMode,
): ValidPolicy | false;
export function mergeRequest(
  policy: ValidPolicy | false,
  requested: RequestedKeepAlive | undefined,
  mode: ProcessMode,
): ValidPolicy | false {
  if (requested === undefined) return policy;
  if (isOff(policy) && (mode === 'enforce' || !requested.enable)) return policy;
  const { enabled: _, ...numbers } = policy === false ? {} : policy;
  const [first, second] = mode === 'enforce' ? [numbers, requested] : [requested, numbers];
  return {
    ...(isOff(policy) ? numbers : policy),
    idle: first.idle ?? second.idle,
    interval: first.interval ?? second.interval,
    count: first.count ?? second.count,
  };
}

/** Returns whether what a program asked for is not what its connection gets. */
export function isOverruled(requested: RequestedKeepAlive, policy: ValidPolicy | false): boolean {
  if (isOff(policy) || !requested.enable) return requested.enable === isOff(policy);
  return detectionFields.some((field) => requested[field] !== undefined && policy[field] !== requested[field]);
}
