import { formatPolicy } from '../format.js';
import { idleDetection, inFlightDetection, probeTime } from '../model/detection-time.js';
import { falseAlarm } from '../model/false-alarm.js';
import { probesOnKernels } from '../model/quiet-death.js';
import { quietTraffic } from '../model/traffic.js';
import { type CompletePolicy, limits } from '../policy.js';
import type { Middlebox } from './middlebox.js';
import { planReasons } from './plan-reasons.js';
import type { Plan, Proposal } from './proposal.js';
import { type ReadRequirements, type Requirement, type Requirements, readRequirements } from './requirements.js';

/** With more probes, or a longer interval, nothing is reached that these do not reach. */
const counts = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const intervalSeconds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 45, 60, 75];

/** Without a time to detect in, idle is not longer than that of the kernel's defaults. */
const mostIdleMs = 7_200_000;

/**
 * Returns a policy whose user timeout lets the kernel send all probes, however late its timers are: `auto` where it does. With
 * a long idle time timers are later than all intervals take, and the user timeout would end a connection at one lost probe.
 */
function policyOf(idle: number, interval: number, count: number): CompletePolicy {
  const auto = { idle, interval, count, userTimeout: idle + interval * count };
  if (probesOnKernels(auto).fewest >= count) return auto;
  const lastProbeMs = probeTime({ idle, interval, count }, count).latestMs;
  return { ...auto, userTimeout: Math.ceil((lastProbeMs + 1) / 1000) * 1000 };
}

/** Returns what a policy comes to. An outage is survived if it is over before the last probe that must go out. */
function outcomeOf(numbers: CompletePolicy, { path, connections }: ReadRequirements): Proposal {
  return {
    policy: formatPolicy(numbers),
    numbers,
    detection: { idle: idleDetection(numbers), inFlight: inFlightDetection(numbers, { retries2: 15 }) },
    traffic: quietTraffic(numbers, connections),
    falseAlarmsPerDay: falseAlarm(numbers, path).perDay,
    toleratesMs: (probesOnKernels(numbers).fewest - 1) * numbers.interval,
  };
}

/** Returns whether the first probe, and one repeat in case it is lost, are in time for a middlebox where probes count. */
function isKeptAlive(policy: CompletePolicy, { timeoutMs, keepAliveCounts }: Middlebox): boolean {
  return keepAliveCounts === true && timeoutMs !== null && probeTime(policy, 2).latestMs < timeoutMs;
}

/** Returns whether a policy is in time: what a shorter idle time makes true. */
function isInTime(policy: CompletePolicy, { detectWithinMs, behind }: ReadRequirements): boolean {
  return idleDetection(policy).latestMs <= detectWithinMs && behind.every((box) => isKeptAlive(policy, box));
}

/** Returns whether a policy meets requirements, whatever its idle time. */
function isEnough(planned: Proposal, { tolerateMs, maxFalse, maxPacketsPerSecond }: ReadRequirements): boolean {
  const { toleratesMs, falseAlarmsPerDay, traffic } = planned;
  const isCalm = falseAlarmsPerDay <= maxFalse && traffic.packetsPerSecond <= maxPacketsPerSecond;
  return isCalm && toleratesMs >= tolerateMs;
}

/**
 * Returns the policy with the longest idle time that is in time, if that is longer than `than`; `undefined` if it is not, or
 * if the interval is longer.
 */
function slowest(
  interval: number,
  count: number,
  than: number,
  required: ReadRequirements,
): CompletePolicy | undefined {
  const { step } = limits.idle;
  const at = (steps: number) => policyOf(steps * step, interval, count);
  let least = Math.max(interval, than + step) / step;
  let most = Math.floor(Math.min(mostIdleMs, required.detectWithinMs) / step);
  if (most < least || !isInTime(at(least), required)) return undefined;
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (isInTime(at(middle), required)) least = middle;
    else most = middle - 1;
  }
  return at(least);
}

/** Returns the policy of a count with the least traffic that meets requirements. */
function bestOf(count: number, required: ReadRequirements): Proposal | undefined {
  let best: Proposal | undefined;
  for (const seconds of intervalSeconds) {
    const interval = seconds * limits.interval.step;
    if ((count - 1) * interval < required.tolerateMs) continue;
    const policy = slowest(interval, count, best?.numbers.idle ?? 0, required);
    const proposal = policy && outcomeOf(policy, required);
    if (proposal !== undefined && isEnough(proposal, required)) best = proposal;
  }
  return best;
}

const byTraffic = (a: Proposal, b: Proposal) => a.traffic.packetsPerDay - b.traffic.packetsPerDay;

const search = (required: ReadRequirements) => counts.flatMap((count) => bestOf(count, required) ?? []).sort(byTraffic);

/** The requirements that can be given up, as numbers that each policy meets. */
const without: { readonly [name in Requirement]: Partial<ReadRequirements> } = {
  detectWithin: { detectWithinMs: Number.POSITIVE_INFINITY },
  tolerate: { tolerateMs: 0 },
  behind: { behind: [] },
  maxFalse: { maxFalse: Number.POSITIVE_INFINITY },
  maxPacketsPerSecond: { maxPacketsPerSecond: Number.POSITIVE_INFINITY },
};

/**
 * Plans the policy that meets requirements with the least traffic.
 *
 * Every number is checked against the model, with the timers that are worst for the requirement: detection with the latest,
 * outages and false alarms with those that leave the fewest probes. A lost probe is always repeated. If no policy meets all
 * requirements, the plan says which ones could be given up.
 *
 * @example
 * planPolicy({ detectWithin: '45s', behind: ['azure-lb'], tolerate: '10s' }).best?.policy;
 * @throws {ConfigurationError} if a requirement has no such name or value, or there is no such middlebox.
 */
export function planPolicy(requirements: Requirements): Plan {
  const required = readRequirements(requirements);
  const [best, ...alternatives] = search(required);
  if (best !== undefined) return { best, why: planReasons(best, required), alternatives };
  const isWayOut = (name: Requirement) => search({ ...required, ...without[name] }).length > 0;
  return { best: null, giveUp: (Object.keys(without) as Requirement[]).filter(isWayOut) };
}
