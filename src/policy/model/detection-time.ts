import { assertKnownOptions, ConfigurationError } from '../configuration-error.js';
import { readCompletePolicy } from '../parse.js';
import type { CompletePolicy, PolicyInput } from '../policy.js';
import { followConnection } from './course.js';
import { firstProbe, probeRange, type QuietSettings, quietDeath } from './quiet-death.js';
import { type InFlightConditions, type InFlightSettings, inFlightDeath } from './retransmission.js';
import { coverRanges, never, type TimeRange } from './time-range.js';
import { kernelHz } from './timer-wheel.js';
import { Waits } from './waits.js';

/**
 * How a peer is lost.
 *
 * - `idle`: it vanishes while nothing is in flight; counted from its last segment.
 * - `data-in-flight`: it vanishes and we have sent data that it never acknowledges; counted from that transmission.
 * - `rebooted`: it comes back without memory of the connection and answers the first probe with RST; counted from its
 *   last segment.
 */
export type DetectionScenario = 'idle' | 'data-in-flight' | 'rebooted';

/** What else a prediction depends on; without it the range covers every case. */
export interface DetectionConditions {
  /** The kernel's CONFIG_HZ, 10 to 10,000; default: the range covers 100, 250, 300 and 1000. */
  readonly hz?: number;
  /**
   * The connection's retransmission timeout in milliseconds (`tcpi_rto`), 1 to 120,000; default: a fast path, 200 ms and
   * little more.
   */
  readonly rtoMs?: number;
  /** The sysctl `net.ipv4.tcp_retries2`, 0 to 255; default 15. */
  readonly retries2?: number;
}

const source = 'detectionTime';

const scenarios: readonly DetectionScenario[] = ['idle', 'data-in-flight', 'rebooted'];

function isBetween(value: number, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most;
}

function check(scenario: DetectionScenario, conditions: DetectionConditions): void {
  assertKnownOptions(source, conditions, ['hz', 'rtoMs', 'retries2']);
  const { hz, rtoMs, retries2 } = conditions;
  if (!scenarios.includes(scenario)) {
    throw new ConfigurationError(source, 'scenario', scenario, "'idle', 'data-in-flight' or 'rebooted'");
  }
  if (hz !== undefined && !isBetween(hz, 10, 10_000)) {
    throw new ConfigurationError(source, 'hz', hz, 'a number from 10 to 10000');
  }
  if (rtoMs !== undefined && !isBetween(rtoMs, 1, 120_000)) {
    throw new ConfigurationError(source, 'rtoMs', rtoMs, 'a number of milliseconds from 1 to 120000');
  }
  if (retries2 !== undefined && !(Number.isInteger(retries2) && isBetween(retries2, 0, 255))) {
    throw new ConfigurationError(source, 'retries2', retries2, 'a whole number from 0 to 255');
  }
}

/**
 * Predicts when the nth probe goes out after the last segment, if none is answered, on a kernel of any HZ. Does not validate the
 * values.
 */
export function probeTime(policy: QuietSettings, nth = 1): TimeRange {
  return coverRanges(kernelHz.map((hz) => probeRange(policy, nth, hz)));
}

/** {@link detectionTime} of an idle peer on a kernel of any HZ, for values that no one has validated. */
export function idleDetection(policy: QuietSettings): TimeRange {
  return coverRanges(kernelHz.map((hz) => quietDeath(policy, hz)));
}

/** Predicts {@link detectionTime} with data in flight, on a kernel of any HZ. Does not validate the values. */
export function inFlightDetection(settings: InFlightSettings, conditions: InFlightConditions): TimeRange {
  return coverRanges(kernelHz.map((hz) => inFlightDeath(settings, conditions, hz)));
}

/**
 * When a peer is noticed that vanishes from a connection on which the program writes every `periodMs`, counted from the
 * acknowledgement of the last data: by keepalive if that is sooner than the next data, else by the data that is in flight then.
 */
export function heartbeatDetection(
  settings: QuietSettings,
  conditions: DetectionConditions,
  periodMs: number,
): TimeRange {
  const scenario = { events: [{ atMs: 0, what: 'vanish' }], everyMs: periodMs } as const;
  return followConnection(new Waits(settings, conditions), scenario).death;
}

function detect(
  policy: CompletePolicy,
  scenario: DetectionScenario,
  conditions: DetectionConditions,
  hz: number,
): TimeRange {
  switch (scenario) {
    case 'idle':
      return quietDeath(policy, hz);
    case 'rebooted':
      return firstProbe(policy, hz);
    case 'data-in-flight':
      return inFlightDeath(policy, { ...conditions, retries2: conditions.retries2 ?? 15 }, hz);
  }
}

/**
 * Predicts when Linux declares a lost peer dead under a policy, in milliseconds.
 *
 * It is a range because kernel timers are never early but late by up to 12.5 % (kernel/time/timer.c). An idle peer is
 * dead after idle + interval x count; a user timeout overrides `count` in both directions, but only at a probe's tick
 * (net/ipv4/tcp_timer.c, `tcp_keepalive_timer`). With data in flight keepalive is silent: the user timeout counts from
 * the first retransmission, and without one `tcp_retries2` governs (about 15 minutes). `false`, no keepalive, never
 * notices an idle peer.
 *
 * @example
 * detectionTime('30:5:3'); // { earliestMs: 45000, latestMs: 47816 }
 * @throws {PolicyError} if the policy is not valid, or idle, interval or count is missing; {@link ConfigurationError}
 * for another scenario, and for conditions that no kernel has.
 */
export function detectionTime(
  policy: PolicyInput | false,
  scenario: DetectionScenario = 'idle',
  conditions: DetectionConditions = {},
): TimeRange {
  check(scenario, conditions);
  if (policy === false || policy === 'off') {
    if (scenario !== 'data-in-flight') return never;
    return detectionTime('7200:75:9:0', scenario, conditions);
  }
  const complete = readCompletePolicy(policy);
  if (typeof policy === 'object' && policy.enabled === false && scenario !== 'data-in-flight') return never;
  const clocks = conditions.hz === undefined ? kernelHz : [conditions.hz];
  return coverRanges(clocks.map((hz) => detect(complete, scenario, conditions, hz)));
}
