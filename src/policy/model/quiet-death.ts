import type { CompletePolicy } from '../policy.js';
import type { KeepAliveState } from '../settings.js';
import type { TimeRange } from './time-range.js';
import { jiffyMs, kernelHz, timerLatenessMs } from './timer-wheel.js';

/** The numbers that decide when a quiet peer is noticed, also those of a kernel. */
export type QuietSettings = CompletePolicy | KeepAliveState;

/** How many probes go out before a quiet peer that has vanished is dead. They differ where a user timeout decides. */
export interface ProbesSent {
  readonly fewest: number;
  readonly most: number;
}

const lateMs = (ms: number, hz: number) => ms + timerLatenessMs(ms, hz);

/**
 * When the first probe after the last segment goes out.
 *
 * It may be short of idle by less than a jiffy: a timer that was armed earlier fires, and the quiet time that it then
 * finds is a difference of two clocks that count whole jiffies.
 * After a probe the timer is armed with the interval, whether or not the probe is answered (tcp_keepalive_timer()); so
 * where the interval is longer than idle, it is the interval that follows a probe that was answered.
 */
export function firstProbe({ idle, interval }: QuietSettings, hz: number): TimeRange {
  return { earliestMs: idle - jiffyMs(hz), latestMs: lateMs(Math.max(idle, interval), hz) };
}

/** When the timer fires for the `number`th time after the first probe, from the peer's last segment on. */
function tick(settings: QuietSettings, number: number, hz: number): TimeRange {
  const { idle, interval } = settings;
  return {
    earliestMs: idle + number * interval,
    latestMs: firstProbe(settings, hz).latestMs + number * lateMs(interval, hz),
  };
}

/** When a probe that follows unanswered ones goes out, from the peer's last segment on; 1 is the first. */
export function probeRange(settings: QuietSettings, number: number, hz: number): TimeRange {
  return number === 1 ? firstProbe(settings, hz) : tick(settings, number - 1, hz);
}

/** Returns the quiet time that the kernel compares with the user timeout at the least: it counts whole jiffies. */
const leastQuietMs = (userTimeout: number, hz: number) => userTimeout - jiffyMs(hz);

/**
 * Returns how many probes are sent before the peer is dead.
 *
 * The kernel checks the user timeout when a probe is due, and only once one is unanswered (tcp_keepalive_timer()); then
 * it ignores the count.
 */
export function probesSent(settings: QuietSettings, hz: number): ProbesSent {
  const { idle, interval, count, userTimeout } = settings;
  if (!userTimeout) return { fewest: count, most: count };
  const late = firstProbe(settings, hz).latestMs;
  const fewest = Math.ceil((leastQuietMs(userTimeout, hz) - late) / lateMs(interval, hz));
  return { fewest: Math.max(1, fewest), most: Math.max(1, Math.ceil((userTimeout - idle) / interval)) };
}

/** When a quiet peer that has vanished is dead, from its last segment on. */
export function quietDeath(settings: QuietSettings, hz: number): TimeRange {
  const { fewest, most } = probesSent(settings, hz);
  const { userTimeout } = settings;
  const earliest = tick(settings, fewest, hz).earliestMs;
  return {
    earliestMs: userTimeout ? Math.max(leastQuietMs(userTimeout, hz), earliest) : earliest,
    latestMs: tick(settings, most, hz).latestMs,
  };
}

/** Returns how many probes are sent before the peer is dead, on a kernel of any of these HZ. */
export function probesOnKernels(settings: QuietSettings, clocks: readonly number[] = kernelHz): ProbesSent {
  const sent = clocks.map((hz) => probesSent(settings, hz));
  return {
    fewest: Math.min(...sent.map(({ fewest }) => fewest)),
    most: Math.max(...sent.map(({ most }) => most)),
  };
}
