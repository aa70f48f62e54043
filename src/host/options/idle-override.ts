import { pause } from '../../native/pause.js';
import { limits } from '../../policy/limits.js';
import { overrideMs } from '../../policy/probe-safety.js';
import type { Assignment } from '../../socket/assignments.js';
import type { KeepAliveState } from '../../socket/state.js';

const overrideIdleMs = limits.idleSeconds.min * 1000;

/** Longer than anybody who asks a peer leaves the idle time changed. */
const settledAfterMs = overrideMs + 10;

/** Whether the idle time may be that of somebody who asks the peer, instead of the connection's own. */
export function mayBeOverridden({ enabled, idle }: KeepAliveState): boolean {
  return enabled && idle === overrideIdleMs;
}

/** Whether somebody who asks the peer may take what is to be set for an override, and restore what was there before. */
export function mayBeTakenBack(list: readonly Assignment[]): boolean {
  return list.some(({ field, state }) => field === 'idle' && state === overrideIdleMs);
}

/** Waits until every override that is in force now has been restored. */
export function awaitOverrides(): void {
  pause(settledAfterMs);
}

/** How often a socket that is to keep an idle time of 1 s is looked at again. */
export const mostVerifications = 3;
