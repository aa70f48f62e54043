import { policyDuration } from '../duration.js';
import { recommendedIdle } from '../plan/judge-behind.js';
import { limits } from '../policy.js';

/**
 * The result of one idle connection.
 *
 * - `alive`: the peer answered.
 * - `silent`: nobody answered: the path drops the packets of a connection that it has forgotten.
 * - `reset`: RST came: from a middlebox that has forgotten the connection, or from the server's machine.
 * - `closed-by-server`: FIN came while the connection was at rest: from the server, or from a proxy in front of it.
 */
export type TrialOutcome = 'alive' | 'silent' | 'reset' | 'closed-by-server';

/** One connection that rested. */
export interface Trial {
  /** Time without a packet, in milliseconds: until the probe, or until the connection ended before it. */
  readonly restMs: number;
  readonly outcome: TrialOutcome;
  /** The pass of the measurement, counted from 1. */
  readonly pass: number;
}

/** How long a path keeps idle connections. Durations are in milliseconds. */
export interface PathVerdict {
  /** The longest rest that a connection survived, of those shorter than `lostMs`; 0 if none did. */
  readonly aliveMs: number;
  /** The shortest rest at which a connection was lost; `null` if none was. */
  readonly lostMs: number | null;
  /** How the connection with the rest `lostMs` was lost; `'survived'` if none was. */
  readonly how: Exclude<TrialOutcome, 'alive'> | 'survived';
  /**
   * The longest idle time, a whole number of seconds, with which the first probe and one repeat go out in time, as late as kernel
   * timers can be: while the path is known to keep the connection. `null` if there is none.
   */
  readonly recommendedIdle: number | null;
  /** The text of a policy with that idle time; `null` if there is none. */
  readonly policy: string | null;
  /** Results that contradict the others: the path has changed, or the server treats connections differently. */
  readonly disagreements: readonly Trial[];
}

/** The count of the recommended policy. */
const count = 3;

/** Returns the interval for a path that keeps idle connections for `keptMs`: a twelfth, from 1 s to 5 s. */
function intervalFor(keptMs: number): number {
  return 1000 * Math.min(5, Math.max(1, Math.floor(keptMs / 12_000)));
}

/** The shortest time in which the kernel can send a first probe and a repeat. */
const leastKeptMs = limits.idle.min + limits.interval.min;

/** Returns the longest idle time whose latest first probe and one repeat leave within `keptMs`; `null` if there is none. */
function idleFor(keptMs: number): number | null {
  return keptMs < leastKeptMs ? null : (recommendedIdle(keptMs, intervalFor(keptMs)) ?? null);
}

function shortest(trials: readonly Trial[]): Trial | undefined {
  return trials.reduce<Trial | undefined>(
    (least, trial) => (least === undefined || trial.restMs < least.restMs ? trial : least),
    undefined,
  );
}

/** Returns the longest rest that a connection survived; 0 if none did. */
function longestAlive(trials: readonly Trial[], belowMs = Number.POSITIVE_INFINITY): number {
  const rests = trials.filter(({ outcome, restMs }) => outcome === 'alive' && restMs < belowMs);
  return Math.max(0, ...rests.map(({ restMs }) => restMs));
}

/**
 * Returns whether the server closed a connection for another reason than its rest: another connection lived at least twice as
 * long. A server that checks for idle clients at intervals closes them up to half as late again.
 */
function isEarlyClose({ outcome, restMs }: Trial, longestAliveMs: number): boolean {
  return outcome === 'closed-by-server' && longestAliveMs > 0 && 2 * restMs <= longestAliveMs;
}

/** Returns whether the path lost the connection. */
export function isLoss({ outcome }: Pick<Trial, 'outcome'>): boolean {
  return outcome === 'silent' || outcome === 'reset';
}

/** Returns whether a result contradicts a loss: the path kept a connection for longer, or lost it in another way. */
function contradicts(trial: Trial, loss: Trial): boolean {
  return trial.outcome === 'alive' ? trial.restMs >= loss.restMs : trial.outcome !== loss.outcome;
}

/** Judges the results of connections that rested. The shortest loss decides: results that disagree are not averaged. */
export function judgePath(trials: readonly Trial[]): PathVerdict {
  const longestAliveMs = longestAlive(trials);
  const lost = shortest(trials.filter((trial) => trial.outcome !== 'alive' && !isEarlyClose(trial, longestAliveMs)));
  const lostMs = lost?.restMs ?? null;
  const aliveMs = longestAlive(trials, lost?.restMs);
  const keptMs = lost?.outcome === 'closed-by-server' ? lost.restMs : aliveMs;
  const idle = idleFor(keptMs);
  const disagrees = (trial: Trial) =>
    isEarlyClose(trial, longestAliveMs) || (lost !== undefined && isLoss(lost) && contradicts(trial, lost));
  return {
    aliveMs,
    lostMs,
    how: lost === undefined ? 'survived' : (lost.outcome as Exclude<TrialOutcome, 'alive'>),
    recommendedIdle: idle,
    policy: idle === null ? null : `${policyDuration(idle)}:${policyDuration(intervalFor(keptMs))}:${count}`,
    disagreements: trials.filter(disagrees).sort((a, b) => a.restMs - b.restMs),
  };
}
