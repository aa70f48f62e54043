import { idleDetection, inFlightDetection, probeTime } from '../model/detection-time.js';
import { probesOnKernels } from '../model/quiet-death.js';
import type { TimeRange } from '../model/time-range.js';
import type { CompletePolicy } from '../policy.js';

const stepMs = 1000;

const roundedUp = (ms: number) => Math.ceil(ms / stepMs) * stepMs;

/** Returns the user timeout that `auto` stands for. */
export const autoUserTimeout = ({ idle, interval, count }: CompletePolicy) => idle + interval * count;

/** Returns when a peer that vanishes with data in flight is noticed: by the user timeout, or else by the default of `tcp_retries2`, 15. */
export function dataDetection({ userTimeout = 0 }: Pick<CompletePolicy, 'userTimeout'>): TimeRange {
  return inFlightDetection({ userTimeout }, { retries2: 15 });
}

/** Returns the latest time at which a lost peer is noticed, quiet or with data in flight. */
export function noticedMs(policy: CompletePolicy): number {
  return Math.max(idleDetection(policy).latestMs, dataDetection(policy).latestMs);
}

/** The latest time at which a peer that vanishes with data in flight is noticed without a user timeout. */
const retriesMs = dataDetection({}).latestMs;

/** Returns whether a policy needs a user timeout, because data in flight is noticed too late without one. */
export const needsUserTimeout = (detectWithinMs: number) => detectWithinMs < retriesMs;

/**
 * Returns a policy with the shortest user timeout that lets the kernel send all probes, however late its timers are: `auto` where it
 * does. With a long idle time timers are later than all intervals take, and `auto` would end a connection at one lost probe.
 */
export function withUserTimeout({ idle, interval, count }: CompletePolicy): CompletePolicy {
  const auto = { idle, interval, count, userTimeout: autoUserTimeout({ idle, interval, count }) };
  if (probesOnKernels(auto).fewest >= count) return auto;
  const lastProbeMs = probeTime({ idle, interval, count }, count).latestMs;
  const long = { ...auto, userTimeout: roundedUp(lastProbeMs + 1) };
  return probesOnKernels(long).fewest >= count ? long : { ...long, userTimeout: long.userTimeout + stepMs };
}

/**
 * Returns a policy with a user timeout, or as it is if a user timeout notices nothing sooner, or a quiet peer too late: it replaces
 * `tcp_retries2` for data in flight (retransmits_timed_out() in net/ipv4/tcp_timer.c), also if it is longer.
 */
export function withUsefulUserTimeout(policy: CompletePolicy, detectWithinMs: number): CompletePolicy {
  const ended = withUserTimeout(policy);
  if (needsUserTimeout(detectWithinMs)) return ended;
  const isSooner = dataDetection(ended).latestMs < retriesMs;
  return isSooner && idleDetection(ended).latestMs <= detectWithinMs ? ended : policy;
}
