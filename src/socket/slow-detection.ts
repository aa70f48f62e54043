import { warnOnce } from '../node/warn-once.js';
import { policyDuration, spokenDuration } from '../policy/duration.js';
import { idleDetection } from '../policy/model/detection-time.js';
import { defaultWithinMs } from '../policy/model/verdict.js';
import { isOff } from '../policy/policy.js';
import { detectionFields, settingFields } from '../policy/settings.js';
import { kernelDefault } from './kernel-defaults.js';
import type { PlannedPolicy } from './planned-state.js';
import type { KeepAliveState, SocketKeepAlive, StatedKeepAlive } from './state.js';

let hasWarned = false;

/** Returns whether a number is the kernel's. Also if the defaults of the platform cannot be read. */
function isUnchosen(field: (typeof detectionFields)[number], value: number | null): boolean {
  try {
    return value === kernelDefault(field);
  } catch {
    return true;
  }
}

function warn(policy: PlannedPolicy & object, state: StatedKeepAlive): void {
  if (settingFields.some((field) => state[field] === null)) return;
  const leftOut = detectionFields.filter((field) => policy[field] === undefined && isUnchosen(field, state[field]));
  const { earliestMs } = idleDetection(state as KeepAliveState);
  const isChosen = typeof policy.idle === 'number' && policy.idle > defaultWithinMs;
  if (leftOut.length === 0 || isChosen || earliestMs <= defaultWithinMs) return;
  hasWarned = true;
  const minutes = Math.round(earliestMs / 60_000);
  const named = leftOut.map((field) => {
    const value = Number(state[field]);
    return `${field} at ${field === 'count' ? value : spokenDuration(value)}`;
  });
  const idleText = leftOut.includes('idle') ? '30' : policyDuration(Number(state.idle));
  warnOnce(
    `keepalive is on, but a dead peer is found only after ${minutes} min: the policy leaves ${named.join(', ')}; ` +
      `state all three, as in '${idleText}:5:3', or 'system' for those that the kernel decides`,
  );
}

/**
 * Sets a policy. Warns once in a thread if the policy turns keepalive on and leaves numbers out that nobody has chosen, with
 * which a dead peer is found late: Node's own call adds an interval of 1 s and a count of 10, a policy leaves the kernel's.
 *
 * @param wasOn Whether keepalive was on already. Called only if the policy leaves numbers out.
 */
export function warnIfSlow<State extends SocketKeepAlive>(
  policy: PlannedPolicy,
  wasOn: () => boolean,
  set: () => State,
): State {
  const isPartial = !hasWarned && !isOff(policy) && detectionFields.some((field) => policy[field] === undefined);
  if (!isPartial || wasOn()) return set();
  const state = set();
  warn(policy, state);
  return state;
}
