import { pause } from '../../native/pause.js';
import { limits } from '../../policy/limits.js';
import { overrideMs } from '../../policy/probe-safety.js';
import type { Assignment } from '../../socket/assignments.js';
import type { KeepAliveState } from '../../socket/state.js';

const overrideIdleMs = limits.idleSeconds.min * 1000;

/** Longer than any override of an idle time lasts. */
const settledAfterMs = overrideMs + 10;

/** Returns whether the idle time may be an override of somebody who asks the peer. */
export function mayBeOverridden({ enabled, idle }: KeepAliveState): boolean {
  return enabled && idle === overrideIdleMs;
}

/** Returns whether somebody who asks the peer may mistake the new idle time for an override, and restore the old one. */
export function mayBeTakenBack(list: readonly Assignment[]): boolean {
  return list.some(({ field, state }) => field === 'idle' && state === overrideIdleMs);
}

/** Waits until every override that is in force now has been restored. */
export function awaitOverrides(): void {
  pause(settledAfterMs);
}

/** How often a socket with a new idle time of 1 s is verified at most. */
export const mostVerifications = 3;
