import type { SettingField, ValidPolicy } from '../policy/policy.js';
import { mergeSettings, settingsOf } from '../policy/settings.js';
import { kernelDefault } from './kernel-defaults.js';
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

/** Returns what a new socket has before anyone sets anything: the kernel's defaults; null if they cannot be read. */
function newSocketValue(field: SettingField): number | null {
  try {
    return process.platform === 'linux' ? kernelDefault(field) : null;
  } catch {
    return null;
  }
}

/** The state that a policy will give a connection that does not exist yet. */
export function plannedState(policy: PlannedPolicy): AppliedKeepAlive {
  const valueFor = (field: SettingField) => {
    const value = policy === false ? undefined : policy[field];
    return typeof value === 'number' ? value : newSocketValue(field);
  };
  return { enabled: !isOff(policy), ...settingsOf(valueFor) };
}

/** The policy that setting one after the other comes to: what the later one leaves out stays as the earlier one says. */
export function mergePolicies(earlier: PlannedPolicy | undefined, later: ValidPolicy | false): PlannedPolicy {
  if (later === false) return earlier ? { ...earlier, enabled: false } : false;
  return earlier ? mergeSettings<ValidPolicy>(earlier, later) : later;
}
