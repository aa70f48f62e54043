import { isOff, type SettingField, type ValidPolicy } from '../policy/policy.js';
import { mergeSettings, settingsOf, stated, unknownSetting } from '../policy/settings.js';
import { kernelDefault } from './kernel-defaults.js';
import type { StatedKeepAlive } from './state.js';
import { threadState } from './thread-state.js';

/**
 * A policy that is set later. With `enabled: false` keepalive is off, and the numbers apply again once keepalive is turned
 * on, as on an open socket.
 */
export type PlannedPolicy = ValidPolicy | false;

/** Returns whether a policy states all numbers of keepalive, so that none must be asked for. */
export function isComplete(policy: PlannedPolicy): policy is ValidPolicy {
  return policy !== false && [policy.idle, policy.interval, policy.count].every((value) => typeof value === 'number');
}

/** Returns what a new socket has before anyone sets anything: the kernel's defaults, where they can be read. */
function newSocketValue(field: SettingField): number | null {
  try {
    return kernelDefault(field);
  } catch {
    // The state says that the number is not known.
  }
  return unknownSetting(field);
}

/** The state that a policy will give a connection that does not exist yet. */
export function plannedState(policy: PlannedPolicy): StatedKeepAlive {
  const ofNew = isOff(policy) ? undefined : threadState.active?.policyOfNew?.();
  const numberOf = (field: SettingField) => {
    const given = policy === false ? undefined : (policy[field] ?? ofNew?.[field]);
    const isUnknown = given === undefined && ofNew === null;
    const value = typeof given === 'number' ? given : isUnknown ? unknownSetting(field) : newSocketValue(field);
    return typeof value === 'number' ? stated(field, value) : value;
  };
  return { enabled: !isOff(policy), ...settingsOf(numberOf) } as StatedKeepAlive;
}

/** The policy that setting one after the other comes to: what the later one leaves out stays as the earlier one says. */
export function mergePolicies(earlier: PlannedPolicy | undefined, later: ValidPolicy | false): PlannedPolicy {
  if (later === false) return earlier ? { ...earlier, enabled: false } : false;
  return earlier ? mergeSettings(earlier, later) : later;
}
