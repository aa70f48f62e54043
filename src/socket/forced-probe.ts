import { limits } from '../policy/limits.js';
import type { KeepAliveState } from './state.js';

/** A probe goes out within a timer tick or two of being forced; putting idle back earlier would cancel it. */
export const probeLeavesMs = 20;

/** What makes the kernel probe at once, and only then: no count or user timeout can be reached meanwhile. */
export const probing: KeepAliveState = { enabled: true, idle: 1000, interval: 32_767_000, count: 127, userTimeout: 0 };

const isBetween = (value: number, { min, max }: { min: number; max: number }) => value >= min && value <= max;

/** Whether a socket can be given these options. What it has from sysctls may be beyond that: a day of idle is. */
export function canBePutBack({ idle, interval, count }: KeepAliveState): boolean {
  return (
    isBetween(idle / 1000, limits.idleSeconds) &&
    isBetween(interval / 1000, limits.intervalSeconds) &&
    isBetween(count, limits.count)
  );
}
