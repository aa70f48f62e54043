import { pause } from '../../native/pause.js';
import { overrideMs } from '../../policy/model/probe-safety.js';
import { limits } from '../../policy/policy.js';
import type { KeepAliveState } from '../../socket/state.js';
import type { OptionOutcome } from './source.js';

const overrideIdleMs = limits.idle.min;

/** Longer than any override of an idle time lasts. */
const settledAfterMs = overrideMs + 10;

/** Returns whether the idle time may be an override of somebody who asks the peer. */
export function mayBeOverridden({ enabled, idle }: KeepAliveState): boolean {
  return enabled && idle === overrideIdleMs;
}

/**
 * Returns whether somebody who asks the peer may restore the idle time that a change replaced: that asker has read it before
 * the change, or takes an idle time of 1 s for an override.
 */
export function mayBeTakenBack({ before, after, error }: OptionOutcome): boolean {
  return error === undefined && before !== undefined && after !== undefined && before.idle !== after.idle;
}

/** Returns whether an asker has restored the idle time that a change replaced; undefined if it may do so yet. */
export function isTakenBack({ before, after }: OptionOutcome, now: KeepAliveState): boolean | undefined {
  if (now.idle === after?.idle) return false;
  if (now.idle === before?.idle) return true;
  return mayBeOverridden(now) ? undefined : false;
}

/** Waits until every override that is in force now has been restored. */
export function awaitOverrides(): void {
  pause(settledAfterMs);
}

/** How often a socket is read again whose idle time reads 1 s, or was changed: several may ask, one after the other. */
export const mostVerifications = 3;
