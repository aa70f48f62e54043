import type { ValidPolicy } from '../policy/policy.js';
import { kernelDefaults } from './kernel-defaults.js';
import type { AppliedKeepAlive } from './state.js';

/**
 * A policy that is set later. With `enabled: false` keepalive is off, and the numbers apply again once keepalive is turned
 * on, as on an open socket.
 */
export type PlannedPolicy = (ValidPolicy & { readonly enabled?: false }) | false;

/** Returns whether a policy turns keepalive off. */
export function isOff(policy: PlannedPolicy): policy is false | (ValidPolicy & { readonly enabled: false }) {
  return policy === false || policy.enabled === false;
}

/** Returns whether a policy states all numbers of keepalive, so that none must be asked for. */
export function isComplete(policy: PlannedPolicy): policy is ValidPolicy {
  return policy !== false && [policy.idle, policy.interval, policy.count].every((value) => typeof value === 'number');
}

type Values = Pick<AppliedKeepAlive, 'idle' | 'interval' | 'count' | 'userTimeout'>;

/** What a new socket has before anyone sets anything: the kernel's defaults, where they can be read. */
function newSocketValues(): Values {
  try {
    return { ...kernelDefaults(), userTimeout: 0 };
  } catch {
    return { idle: null, interval: null, count: null, userTimeout: null };
  }
}

/** The state that a policy will give a connection that does not exist yet. */
export function plannedState(policy: PlannedPolicy): AppliedKeepAlive {
  if (policy === false) return { enabled: false, ...newSocketValues() };
  let unset: Values | undefined;
  const planned = (field: keyof Values): number | null => {
    const value = policy[field];
    if (typeof value === 'number') return value;
    if (field === 'userTimeout' && process.platform === 'linux') return 0;
    unset ??= newSocketValues();
    return unset[field];
  };
  return {
    enabled: !isOff(policy),
    idle: planned('idle'),
    interval: planned('interval'),
    count: planned('count'),
    userTimeout: planned('userTimeout'),
  };
}

/** The policy that setting one after the other comes to: what the later one leaves out stays as the earlier one says. */
export function mergePolicies(earlier: PlannedPolicy | undefined, later: ValidPolicy | false): PlannedPolicy {
  if (later === false) return earlier ? { ...earlier, enabled: false } : false;
  if (!earlier) return later;
  return {
    idle: later.idle ?? earlier.idle,
    interval: later.interval ?? earlier.interval,
    count: later.count ?? earlier.count,
    userTimeout: later.userTimeout ?? earlier.userTimeout,
  };
}
