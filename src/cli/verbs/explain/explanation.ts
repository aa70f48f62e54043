import { formatPolicy } from '../../../policy/format.js';
import { detectionTime, heartbeatDetection, inFlightDetection } from '../../../policy/model/detection-time.js';
import { type FalseAlarm, falseAlarm, type PathLoss } from '../../../policy/model/false-alarm.js';
import { coverRanges, never, type TimeRange } from '../../../policy/model/time-range.js';
import { lossTimeline, type TimelineEntry, timeline } from '../../../policy/model/timeline.js';
import { quietTraffic, type Traffic } from '../../../policy/model/traffic.js';
import { type BehindJudgement, judgeBehind } from '../../../policy/plan/judge-behind.js';
import type { Middlebox } from '../../../policy/plan/middlebox.js';
import type { CompletePolicy } from '../../../policy/policy.js';
import { behindWarning } from '../../../policy/warnings/behind-warning.js';
import { keepAliveOffWarning } from '../../../policy/warnings/keep-alive-off-warning.js';
import { type PolicyWarning, policyWarnings } from '../../../policy/warnings/policy-warnings.js';

/** What surrounds the connections of a policy. */
export interface Surroundings {
  readonly connections: number;
  readonly middleboxes: readonly Middlebox[];
  readonly path: PathLoss | undefined;
  /** How often the program writes, in milliseconds. */
  readonly heartbeatMs: number | undefined;
  /** The sysctl `net.ipv4.tcp_retries2`. */
  readonly retries2: number;
}

/** When a lost peer is noticed, by the way in which it is lost; and when one is given up that is there. */
export interface Detections {
  readonly idle: TimeRange;
  readonly inFlight: TimeRange;
  readonly rebooted: TimeRange;
  /** A peer that is there and does not read, while data waits for it. */
  readonly zeroWindow: TimeRange;
  readonly heartbeat?: TimeRange;
}

/** What a middlebox does to the connections of a policy. */
export interface BehindExplanation extends BehindJudgement {
  /** When a quiet connection that it has forgotten ends, from the last packet on; null if not every connection is forgotten. */
  readonly noticed: TimeRange | null;
}

/** What a policy does. Every number is one of the model. */
export interface Explanation {
  readonly policy: string;
  /** null if keepalive is off. */
  readonly numbers: CompletePolicy | null;
  readonly detection: Detections;
  /** Of a quiet peer that vanishes; empty if keepalive is off. */
  readonly timeline: readonly TimelineEntry[];
  /** Of a peer that vanishes with data in flight. */
  readonly inFlightTimeline: readonly TimelineEntry[];
  readonly traffic: Traffic & { readonly connections: number };
  readonly falseAlarm: (FalseAlarm & PathLoss) | null;
  readonly behind: readonly BehindExplanation[];
  readonly warnings: readonly PolicyWarning[];
}

/** Numbers with which the first probe is due in more than 30 years. */
const withoutProbes: CompletePolicy = { idle: 1e12, interval: 1e12, count: 1 };

/** Explains what happens to connections without keepalive. */
export function explainOff({ connections, middleboxes, heartbeatMs, retries2 }: Surroundings): Explanation {
  const conditions = { retries2 };
  const inFlight = inFlightDetection({}, conditions);
  const behind = middleboxes.map((middlebox) => ({ ...judgeBehind('off', middlebox), noticed: null }));
  return {
    policy: 'off',
    numbers: null,
    detection: {
      ...{ idle: never, inFlight, rebooted: never, zeroWindow: never },
      ...(heartbeatMs !== undefined && { heartbeat: heartbeatDetection(withoutProbes, conditions, heartbeatMs) }),
    },
    timeline: [],
    inFlightTimeline: lossTimeline(withoutProbes, 'data-in-flight', conditions),
    traffic: { connections, packetsPerDay: 0, bytesPerDay: 0, packetsPerSecond: 0 },
    falseAlarm: null,
    behind,
    warnings: [...behind.map(behindWarning).filter((warning) => warning !== undefined), keepAliveOffWarning(inFlight)],
  };
}

function explainBehind(policy: CompletePolicy, box: Middlebox): BehindExplanation {
  const judgement = judgeBehind(policy, box);
  const { timeoutMs, onExpiry } = box;
  if (judgement.outcome !== 'too-late' || timeoutMs === null) return { ...judgement, noticed: null };
  const expiries = onExpiry === 'unknown' ? (['silent', 'reset'] as const) : [onExpiry];
  const ends = expiries.map((each) => timeline(policy, { events: [], middlebox: { timeoutMs, onExpiry: each } }));
  const isForgotten = ends.every(({ verdict }) => verdict === 'dead');
  return { ...judgement, noticed: isForgotten ? coverRanges(ends.map(({ death }) => death)) : null };
}

/** Explains a policy that states idle, interval and count. */
export function explainPolicy(policy: CompletePolicy, surroundings: Surroundings): Explanation {
  const { connections, middleboxes, path, heartbeatMs, retries2 } = surroundings;
  const behind = middleboxes.map((middlebox) => explainBehind(policy, middlebox));
  const conditions = { retries2 };
  const { rtoMax: _, ...written } = policy;
  return {
    policy: formatPolicy(written),
    numbers: policy,
    detection: {
      idle: detectionTime(policy, 'idle', conditions),
      inFlight: detectionTime(policy, 'data-in-flight', conditions),
      rebooted: detectionTime(policy, 'rebooted', conditions),
      zeroWindow: timeline(policy, { events: [{ atMs: 0, what: 'stop-reading' }] }, conditions).death,
      ...(heartbeatMs === undefined ? {} : { heartbeat: heartbeatDetection(policy, conditions, heartbeatMs) }),
    },
    timeline: lossTimeline(policy, 'idle'),
    inFlightTimeline: lossTimeline(policy, 'data-in-flight', conditions),
    traffic: { connections, ...quietTraffic(policy, connections) },
    falseAlarm: path === undefined ? null : { ...path, ...falseAlarm(policy, path) },
    behind,
    warnings: [
      ...behind.map(behindWarning).filter((warning) => warning !== undefined),
      ...policyWarnings(policy, retries2),
    ],
  };
}
