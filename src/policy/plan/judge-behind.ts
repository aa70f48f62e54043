import { ConfigurationError } from '../configuration-error.js';
import { readMilliseconds } from '../duration.js';
import { probeTime } from '../model/detection-time.js';
import { never, type TimeRange } from '../model/time-range.js';
import { parsePolicy, readCompletePolicy } from '../parse.js';
import { type CompletePolicy, type Duration, isOff, limits, type PolicyInput } from '../policy.js';
import { validatePolicy } from '../validate.js';
import type { Middlebox } from './middlebox.js';
import { probedTimeoutMs, readMiddlebox } from './middleboxes.js';

/**
 * Whether the probes of a policy keep a connection alive in a middlebox.
 *
 * - `safe`: the first probe goes out before the middlebox forgets the connection, also if the timer is late.
 * - `too-late`: the first probe can go out after that.
 * - `not-counted`: the middlebox terminates TCP and does not count probes.
 * - `off`: keepalive is off.
 * - `unknown`: the timeout is not known, or whether probes count.
 */
export type BehindOutcome = 'safe' | 'too-late' | 'not-counted' | 'off' | 'unknown';

/** The outcome for a policy behind a middlebox, and how it was computed. Times are in milliseconds. */
export interface BehindJudgement {
  readonly outcome: BehindOutcome;
  readonly middlebox: Middlebox;
  /** When the first probe goes out, after the last packet. Never if keepalive is off. */
  readonly firstProbe: TimeRange;
  /** The part of `firstProbe.latestMs` by which the kernel's timer can be late; 0 if keepalive is off. */
  readonly latenessMs: number;
  /** The latest time of the second probe, if the first is lost; `Infinity` if keepalive is off. */
  readonly latestRepeatMs: number;
  /** The time from the latest first probe to the timeout, negative if the probe is too late; `null` if either is not known. */
  readonly marginMs: number | null;
  /** The idle time that {@link recommendedIdle} returns with the interval of the policy. */
  readonly recommendedIdleMs: number | undefined;
}

/** Returns whether an object says what the judgement depends on. */
function isMiddlebox({ timeoutMs, keepAliveCounts }: Middlebox): boolean {
  const isTimeout = timeoutMs === null || (Number.isFinite(timeoutMs) && timeoutMs > 0);
  return isTimeout && (keepAliveCounts === null || typeof keepAliveCounts === 'boolean');
}

/** Accepts what {@link readMiddlebox} returned, and a copy of it. */
function asMiddlebox(given: string | number | Middlebox, source: string): Middlebox {
  if (typeof given !== 'object' || given === null) return readMiddlebox(given, source, 'middlebox');
  // Read once: what is checked is what is judged, whatever getters and proxies do.
  const middlebox = { ...given };
  if (isMiddlebox(middlebox)) return middlebox;
  throw new ConfigurationError(source, 'middlebox', given, 'a name, an idle timeout, or what middleboxOf returned');
}

/** Returns the policy of an input; `undefined` if keepalive is off. */
function policyThatProbes(input: PolicyInput | false): CompletePolicy | undefined {
  if (input === false || input === 'off') return undefined;
  const policy = typeof input === 'string' ? parsePolicy(input) : validatePolicy(input);
  return isOff(policy) ? undefined : readCompletePolicy(policy);
}

function outcomeOf(middlebox: Middlebox, isOn: boolean, marginMs: number | null): BehindOutcome {
  if (middlebox.keepAliveCounts === false) return 'not-counted';
  if (!isOn) return 'off';
  // A probe that is too late is too late whether or not it would count.
  if (marginMs !== null && marginMs <= 0) return 'too-late';
  return marginMs === null || middlebox.keepAliveCounts === null ? 'unknown' : 'safe';
}

/**
 * Judges whether the probes of a policy keep a quiet connection alive in a middlebox.
 *
 * The first probe counts at its latest moment: kernel timers are late by up to 12.5 %. The time on the path is not included.
 * `middlebox` is a name, a duration, or what {@link middleboxOf} returned.
 *
 * @example
 * judgeBehind('340:5:3', 'aws-nlb').outcome; // 'too-late': up to 381 s
 * @throws {ConfigurationError} if there is no such middlebox.
 * @throws {PolicyError} if the policy is not valid, or idle, interval or count is missing.
 */
export function judgeBehind(policy: PolicyInput | false, middlebox: string | number | Middlebox): BehindJudgement {
  const box = asMiddlebox(middlebox, 'judgeBehind');
  const probing = policyThatProbes(policy);
  const firstProbe = probing === undefined ? never : probeTime(probing);
  const { timeoutMs } = box;
  const marginMs = probing === undefined || timeoutMs === null ? null : timeoutMs - firstProbe.latestMs;
  return {
    outcome: outcomeOf(box, probing !== undefined, marginMs),
    middlebox: box,
    firstProbe,
    latenessMs: probing === undefined ? 0 : firstProbe.latestMs - Math.max(probing.idle, probing.interval),
    latestRepeatMs: probing === undefined ? Number.POSITIVE_INFINITY : probeTime(probing, 2).latestMs,
    marginMs,
    recommendedIdleMs: recommendedIdle(box, probing?.interval),
  };
}

/**
 * Returns the longest idle time, in whole seconds as milliseconds, that keeps a connection alive in a middlebox also if the
 * first probe is lost: the probe and one repeat go out before the timeout, both as late as kernel timers can be.
 *
 * Returns `undefined` if no idle time does, if probes do not count, or if the timeout is not known.
 *
 * @param interval The time until the repeat. Default: 5 s.
 * @example
 * recommendedIdle('aws-nlb'); // 311000
 * @throws {ConfigurationError} if there is no such middlebox, or the interval is no duration above 0.
 */
export function recommendedIdle(middlebox: string | number | Middlebox, interval: Duration = 5000): number | undefined {
  const box = asMiddlebox(middlebox, 'recommendedIdle');
  const intervalMs = readMilliseconds(interval);
  if (intervalMs === undefined || !(intervalMs > 0)) {
    throw new ConfigurationError('recommendedIdle', 'interval', interval, "a duration above 0 such as 5000 or '5s'");
  }
  const timeoutMs = probedTimeoutMs(box);
  if (timeoutMs === undefined) return undefined;
  const isInTime = (idle: number) => probeTime({ idle, interval: intervalMs, count: 2 }, 2).latestMs < timeoutMs;
  const { max, step } = limits.idle;
  // The latest probe grows with idle.
  for (let idle = Math.min(max, Math.floor(timeoutMs / step) * step); idle >= step; idle -= step) {
    if (isInTime(idle)) return idle;
  }
  return undefined;
}
