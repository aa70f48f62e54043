import { assertKnownOptions, ConfigurationError } from '../configuration-error.js';
import { readMilliseconds } from '../duration.js';
import { formatPolicy } from '../format.js';
import { idleDetection, inFlightDetection } from '../model/detection-time.js';
import { falseAlarm, type PathLoss } from '../model/false-alarm.js';
import type { TimeRange } from '../model/time-range.js';
import { quietTraffic, type Traffic } from '../model/traffic.js';
import { type CompletePolicy, type Duration, limits } from '../policy.js';
import { judgeBehind, recommendedIdle } from './judge-behind.js';
import type { Middlebox } from './middlebox.js';
import { readMiddlebox } from './middleboxes.js';

/** What a policy must reach. What is left out is not asked for. */
export interface Requirements {
  /** A peer that vanishes while nothing is in flight is noticed within this time, timer lateness included. */
  readonly detectWithin?: Duration | undefined;
  /** A healthy connection survives an outage of the path that lasts as long as this. */
  readonly tolerate?: Duration | undefined;
  /** Middleboxes that must not forget a quiet connection, by name or idle timeout. */
  readonly behind?: readonly (string | number)[] | undefined;
  /** The share of the packets that the path loses, 0 to less than 1. Default: 0. */
  readonly loss?: number | undefined;
  /** The mean length of an outage, if packets are lost in outages. Default: each is lost by itself. */
  readonly burst?: Duration | undefined;
  /** The most healthy connections that may be ended, of one that is quiet for a day: 1e-6 is one in a million days. */
  readonly maxFalse?: number | undefined;
  /** The most packets a second of keepalive, of all connections. */
  readonly maxPacketsPerSecond?: number | undefined;
  /** How many connections there are. Default: 1. */
  readonly connections?: number | undefined;
}

/** A policy that meets the requirements, and what it comes to by the model. */
export interface PlannedPolicy {
  /** Policy text, with `auto` as the user timeout. */
  readonly policy: string;
  readonly numbers: CompletePolicy;
  readonly detection: { readonly idle: TimeRange; readonly inFlight: TimeRange };
  readonly traffic: Traffic;
  /** Healthy connections that are ended, of one that is quiet for a day. */
  readonly falseAlarmsPerDay: number;
  /** The longest outage that no healthy connection is ended by, in milliseconds. */
  readonly toleratesMs: number;
}

/** The name of a requirement. */
export type Requirement = 'detectWithin' | 'tolerate' | 'behind' | 'maxFalse' | 'maxPacketsPerSecond';

/** The plan for requirements. */
export type Plan =
  | {
      /** The policy with the least traffic. */
      readonly best: PlannedPolicy;
      /** Why each number is what it is. */
      readonly why: readonly string[];
      /** Other policies that meet the requirements, each the one with the least traffic of its count. */
      readonly alternatives: readonly PlannedPolicy[];
    }
  | {
      readonly best: null;
      /** Each requirement without which the others can be met; empty if no single one stands in the way. */
      readonly giveUp: readonly Requirement[];
    };

interface ReadRequirements {
  readonly detectWithinMs: number;
  readonly tolerateMs: number;
  readonly behind: readonly Middlebox[];
  readonly path: PathLoss;
  readonly maxFalse: number;
  readonly maxPacketsPerSecond: number;
  readonly connections: number;
}

const source = 'planPolicy';
const names = [
  ...['detectWithin', 'tolerate', 'behind', 'loss', 'burst'],
  ...['maxFalse', 'maxPacketsPerSecond', 'connections'],
];

function readNumber(
  field: string,
  given: unknown,
  unstated: number,
  allowed: string,
  isAllowed: (n: number) => boolean,
) {
  if (given === undefined) return unstated;
  if (typeof given === 'number' && isAllowed(given)) return given;
  throw new ConfigurationError(source, field, given, allowed);
}

function readTime(field: string, given: Duration | undefined, unstated: number): number {
  if (given === undefined) return unstated;
  const ms = readMilliseconds(given);
  if (ms !== undefined && ms > 0) return ms;
  throw new ConfigurationError(source, field, given, "a duration above 0 such as 45000 or '45s'");
}

function read(requirements: Requirements): ReadRequirements {
  assertKnownOptions(source, requirements, names);
  const { detectWithin, tolerate, behind = [], loss, burst, maxFalse, maxPacketsPerSecond, connections } = requirements;
  if (!Array.isArray(behind)) throw new ConfigurationError(source, 'behind', behind, 'an array of middleboxes');
  const share = readNumber('loss', loss, 0, 'a share from 0 to less than 1', (n) => n >= 0 && n < 1);
  const isAboveZero = (n: number) => n > 0;
  return {
    detectWithinMs: readTime('detectWithin', detectWithin, Number.POSITIVE_INFINITY),
    tolerateMs: readTime('tolerate', tolerate, 0),
    behind: behind.map((box) => readMiddlebox(box, source, 'behind')),
    path: burst === undefined ? { loss: share } : { loss: share, burstMs: readTime('burst', burst, 0) },
    maxFalse: readNumber('maxFalse', maxFalse, Number.POSITIVE_INFINITY, 'a number above 0', isAboveZero),
    maxPacketsPerSecond: readNumber(
      ...([
        'maxPacketsPerSecond',
        maxPacketsPerSecond,
        Number.POSITIVE_INFINITY,
        'a number above 0',
        isAboveZero,
      ] as const),
    ),
    connections: readNumber(
      'connections',
      connections,
      1,
      'a whole number from 1',
      (n) => Number.isInteger(n) && n > 0,
    ),
  };
}

/** Longer intervals and larger counts than these detect no sooner and survive nothing that matters. */
const longestInterval = 75;
const largestCount = 12;

/** An outage that begins just before the first probe is survived if it is over before the last probe is sent. */
const toleratesMs = ({ interval, count }: CompletePolicy) => (count - 1) * interval;

/** Returns a policy with a user timeout of idle + interval x count, which is what keepalive itself takes. */
function policyOf(idle: number, interval: number, count: number): CompletePolicy {
  return { idle, interval, count, userTimeout: idle + interval * count };
}

/**
 * Returns the most unanswered probes that end a connection before the count does. With `auto`, late timers bring the user
 * timeout forward by a probe, so that the false alarms are those of the user timeout.
 */
function outcomeOf(policy: CompletePolicy, { path, connections }: ReadRequirements): PlannedPolicy {
  return {
    policy: formatPolicy(policy),
    numbers: policy,
    detection: { idle: idleDetection(policy), inFlight: inFlightDetection(policy, { retries2: 15 }) },
    traffic: quietTraffic(policy, connections),
    falseAlarmsPerDay: falseAlarm(policy, path).perDay,
    toleratesMs: toleratesMs(policy),
  };
}

/** Returns the requirements that a planned policy violates. */
function violated(planned: PlannedPolicy, required: ReadRequirements): Requirement[] {
  const { numbers, detection, traffic, falseAlarmsPerDay } = planned;
  const checks: readonly (readonly [Requirement, boolean])[] = [
    ['detectWithin', detection.idle.latestMs <= required.detectWithinMs],
    ['tolerate', toleratesMs(numbers) >= required.tolerateMs],
    ['behind', required.behind.every((box) => isKeptAlive(numbers, box))],
    ['maxFalse', falseAlarmsPerDay <= required.maxFalse],
    ['maxPacketsPerSecond', traffic.packetsPerSecond <= required.maxPacketsPerSecond],
  ];
  return checks.filter(([, isMet]) => !isMet).map(([name]) => name);
}

/** Returns whether the first probe and one repeat are in time, which a policy is planned with because a probe may be lost. */
function isKeptAlive(policy: CompletePolicy, middlebox: Middlebox): boolean {
  const { outcome, latestRepeatMs } = judgeBehind(policy, middlebox);
  return outcome === 'safe' && latestRepeatMs < (middlebox.timeoutMs ?? 0);
}

/** Returns the longest idle time that an interval and a count allow, in whole seconds; 0 if none does. */
function longestIdle(interval: number, count: number, { detectWithinMs, behind }: ReadRequirements): number {
  const recommended = behind.map((box) => recommendedIdle(box, interval) ?? 0);
  const mostIdle = Math.min(limits.idle.max, defaultIdleMs(detectWithinMs), ...recommended);
  let [least, most] = [0, Math.floor(mostIdle / limits.idle.step)];
  // The latest detection grows with idle.
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    const { latestMs } = idleDetection(policyOf(middle * limits.idle.step, interval, count));
    if (latestMs <= detectWithinMs) least = middle;
    else most = middle - 1;
  }
  return least * limits.idle.step;
}

/** Without a time to detect in, a longer idle time than that of the kernel's defaults makes no sense. */
const defaultIdleMs = (detectWithinMs: number) => (Number.isFinite(detectWithinMs) ? detectWithinMs : 7_200_000);

function candidates(required: ReadRequirements): PlannedPolicy[] {
  const found: PlannedPolicy[] = [];
  for (let count = 1; count <= largestCount; count += 1) {
    let best: PlannedPolicy | undefined;
    for (let seconds = 1; seconds <= longestInterval; seconds += 1) {
      const interval = seconds * limits.interval.step;
      if ((count - 1) * interval < required.tolerateMs) continue;
      const idle = longestIdle(interval, count, required);
      if (idle < interval || idle === 0) continue;
      const planned = outcomeOf(policyOf(idle, interval, count), required);
      if (violated(planned, required).length > 0) continue;
      if (best === undefined || planned.traffic.packetsPerDay < best.traffic.packetsPerDay) best = planned;
    }
    if (best !== undefined) found.push(best);
  }
  return found.sort((a, b) => a.traffic.packetsPerDay - b.traffic.packetsPerDay);
}

const without: { readonly [name in Requirement]: Partial<ReadRequirements> } = {
  detectWithin: { detectWithinMs: Number.POSITIVE_INFINITY },
  tolerate: { tolerateMs: 0 },
  behind: { behind: [] },
  maxFalse: { maxFalse: Number.POSITIVE_INFINITY },
  maxPacketsPerSecond: { maxPacketsPerSecond: Number.POSITIVE_INFINITY },
};

const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`;

function reasons(
  { numbers, detection, falseAlarmsPerDay, toleratesMs: tolerated }: PlannedPolicy,
  required: ReadRequirements,
) {
  const { detectWithinMs, tolerateMs, behind, path, maxFalse } = required;
  const idleLimits = [
    ...(Number.isFinite(detectWithinMs) ? [`noticed within ${seconds(detectWithinMs)}`] : []),
    ...behind.map(({ name, timeoutMs }) => `probed twice within the ${seconds(timeoutMs ?? 0)} of ${name}`),
  ];
  return [
    `idle ${seconds(numbers.idle)}: the longest with which a quiet peer is ${idleLimits.join(' and ') || 'probed at all'}`,
    `interval ${seconds(numbers.interval)}, count ${numbers.count}: ` +
      (tolerateMs > 0
        ? `an outage of ${seconds(tolerateMs)} is survived (${seconds(tolerated)} is)`
        : 'a lost probe is repeated') +
      (Number.isFinite(maxFalse) || path.loss > 0
        ? `; a healthy connection is ended ${falseAlarmsPerDay.toPrecision(2)} times a day`
        : ''),
    `user timeout auto: with data in flight, a dead peer is noticed within ${seconds(detection.inFlight.latestMs)} too`,
  ];
}

/**
 * Plans the policy that meets requirements with the least traffic.
 *
 * Every number is checked against the model: detection with the latest timers, and the false alarms of a path that loses
 * packets with the earliest. If no policy meets all requirements, the plan says which single one stands in the way.
 *
 * @example
 * planPolicy({ detectWithin: '45s', behind: ['azure-lb'], tolerate: '10s' });
 * @throws {ConfigurationError} if a requirement has no such name or value, or there is no such middlebox.
 */
export function planPolicy(requirements: Requirements): Plan {
  const required = read(requirements);
  const [best, ...alternatives] = candidates(required);
  if (best !== undefined) return { best, why: reasons(best, required), alternatives };
  const isWayOut = (name: Requirement) => candidates({ ...required, ...without[name] }).length > 0;
  return { best: null, giveUp: (Object.keys(without) as Requirement[]).filter(isWayOut) };
}
