import { idleDetection, inFlightDetection, probeTime } from '../model/detection-time.js';
import { probesOnKernels } from '../model/quiet-death.js';
import type { TimeRange } from '../model/time-range.js';
import type { CompletePolicy } from '../policy.js';
import { autoUserTimeout } from '../validate.js';

const stepMs = 1000;

const roundedUp = (ms: number) => Math.ceil(ms / stepMs) * stepMs;

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

/** Returns whether the kernel sends all probes of a policy with a user timeout, however late its timers are. */
const sendsAllProbes = (policy: CompletePolicy) => probesOnKernels(policy).fewest >= policy.count;

/** Returns a policy with the shortest user timeout, in whole seconds, that lets the kernel send all probes. */
export function withShortestUserTimeout({ idle, interval, count }: CompletePolicy): CompletePolicy {
  const lastProbeMs = probeTime({ idle, interval, count }, count).latestMs;
  const short = { idle, interval, count, userTimeout: roundedUp(lastProbeMs + 1) };
  return sendsAllProbes(short) ? short : { ...short, userTimeout: short.userTimeout + stepMs };
}

/** Returns whether a lost peer is noticed within a time, quiet or with data in flight, with a user timeout if the policy needs one. */
export function isNoticedWithin(policy: CompletePolicy, ms: number): boolean {
  if (ms === Number.POSITIVE_INFINITY) return true;
  return (ms < retriesMs ? noticedMs(withShortestUserTimeout(policy)) : idleDetection(policy).latestMs) <= ms;
}

/**
 * Returns a policy with a user timeout: `auto` where that lets all probes leave and is in time, or else the shortest. With a long idle
 * time timers are later than all intervals take, and `auto` would end a connection at one lost probe.
 *
 * Returns the policy as it is if a user timeout notices nothing sooner, or a quiet peer too late: it replaces `tcp_retries2` for data
 * in flight, also if it is longer (tcp_write_timeout() in net/ipv4/tcp_timer.c).
 */
export function withUsefulUserTimeout(policy: CompletePolicy, detectWithinMs: number): CompletePolicy {
  const { idle, interval, count } = policy;
  const auto = { ...policy, userTimeout: autoUserTimeout(idle, interval, count) };
  const ended = sendsAllProbes(auto) && noticedMs(auto) <= detectWithinMs ? auto : withShortestUserTimeout(policy);
  const isSooner = dataDetection(ended).latestMs < retriesMs && idleDetection(ended).latestMs <= detectWithinMs;
  return isSooner ? ended : policy;
}
