import { limits } from '../policy/limits.js';
import { assignmentsOf } from './assignments.js';
import { writeAssignments } from './options.js';
import { currentPlatform } from './platforms/index.js';
import type { KeepAliveState } from './state.js';

/** A probe goes out within a timer tick or two of being forced; putting idle back earlier would cancel it. */
export const probeLeavesMs = 20;

/** What makes the kernel probe at once, and only then: no count or user timeout can be reached meanwhile. */
export const probing: KeepAliveState = { enabled: true, idle: 1000, interval: 32_767_000, count: 127, userTimeout: 0 };

const isBetween = (value: number, { min, max }: { min: number; max: number }) => value >= min && value <= max;

/** Whether a socket can be given these options. What it has from sysctls may be beyond that: a day of idle is. */
export function canBePutBack({ idle, interval, count }: KeepAliveState): boolean {
  const { idleSeconds, intervalSeconds, count: counts } = limits;
  return isBetween(idle / 1000, idleSeconds) && isBetween(interval / 1000, intervalSeconds) && isBetween(count, counts);
}

/** Gives a descriptor all of a state: that which forces a probe, or the one that it had before. */
export function putState(fd: number, state: KeepAliveState): void {
  const platform = currentPlatform();
  writeAssignments(fd, assignmentsOf(state, platform), () => state, platform);
}
