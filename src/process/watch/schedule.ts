import { kernelHz, timerLatenessMs } from '../../policy/timer-wheel.js';
import type { Condition } from './condition.js';
import type { Sight } from './sight.js';

/** What decides when the kernel probes a connection. */
export interface ProbeTimes {
  readonly enabled: boolean;
  readonly idle: number;
  readonly interval: number;
}

/** While a probe is due, or unanswered, and while a retransmission is: a fourth of a second is the promise. */
const closeLookMs = 150;

/** What a program sends is not announced: data in flight are looked for this often. */
const longestLookMs = 5000;

/** The longest time without a look of a watch that has a verdict of its own to give in time. */
export function longestLookFor(deadAfterMs: number | undefined): number {
  if (deadAfterMs === undefined) return longestLookMs;
  return Math.min(longestLookMs, Math.max(closeLookMs, deadAfterMs / 4));
}

/** A program that sets keepalive does so when the connection is there; no probe goes out in the first second after. */
export const settledMs = 900;

/** No look comes sooner: a jiffy of the slowest kernel. */
const shortestLookMs = 10;

/** The lateness of a timer on the kernel whose wheel is the coarsest for it. */
function latenessMs(delayMs: number): number {
  return Math.max(...kernelHz.map((hz) => timerLatenessMs(delayMs, hz)));
}

/** Until the first probe may go out, or while it may: often, because no kernel says exactly when. */
function untilProbe({ silentMs }: Sight, { enabled, idle, interval }: ProbeTimes): number {
  if (!enabled) return Number.POSITIVE_INFINITY;
  for (const dueMs of [idle, Math.max(idle, interval)]) {
    if (silentMs < dueMs) return dueMs - silentMs + shortestLookMs;
    if (silentMs < dueMs + latenessMs(dueMs) + closeLookMs) return closeLookMs;
  }
  return closeLookMs;
}

/** When to look at a connection again, in milliseconds: when its own numbers say that something can have changed. */
export function nextLookMs(sight: Sight, condition: Condition, times: ProbeTimes, longestMs: number): number {
  if (condition.unansweredKind !== undefined || condition.isWindowClosed) return closeLookMs;
  if (sight.unacked > 0) {
    const timeoutMs = sight.rtoMs - sight.dataSentMs + shortestLookMs;
    return Math.min(longestMs, Math.max(shortestLookMs, timeoutMs));
  }
  return Math.min(longestMs, Math.max(shortestLookMs, untilProbe(sight, times)));
}

/**
 * Whether the options are still those that were read is worth asking, which takes more calls than a look: where no probe
 * was to come, where one should have gone out by now, and where one has gone unanswered.
 */
export function isTimeToAsk(
  { enabled, idle, interval }: ProbeTimes,
  { silentMs }: Sight,
  condition: Condition,
): boolean {
  if (!enabled) return true;
  if (silentMs < idle) return false;
  const dueMs = Math.max(idle, interval);
  return condition.unansweredKind !== undefined || silentMs > dueMs + latenessMs(dueMs) + closeLookMs;
}

/** How long nothing can change about a connection, unless its program writes: until a probe is due. */
export function quietMs(sight: Sight, condition: Condition, times: ProbeTimes): number {
  const isAtRest = condition.unansweredKind === undefined && !condition.isWindowClosed && sight.unacked === 0;
  if (!isAtRest || sight.notSentBytes > 0 || !times.enabled) return 0;
  return Math.max(0, times.idle - sight.silentMs);
}
