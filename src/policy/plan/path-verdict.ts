import { policyDuration } from '../duration.js';
import { limits } from '../policy.js';
import { recommendedIdle } from './judge-behind.js';

/**
 * What became of an idle connection.
 *
 * - `alive`: the peer answered.
 * - `silent`: nothing answered: the path drops the packets of a connection that it has forgotten.
 * - `reset`: RST came: from a middlebox that has forgotten the connection, or from the server's machine.
 * - `closed-by-server`: FIN came while the connection was at rest: from the server, or from a proxy in front of it.
 */
export type TrialOutcome = 'alive' | 'silent' | 'reset' | 'closed-by-server';

/** One connection that rested. */
export interface Trial {
  /** Time without a packet, in milliseconds: until the question, or until the end came on its own. */
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
  /** How the connection was lost that `lostMs` is of; `'survived'` if none was. */
  readonly how: Exclude<TrialOutcome, 'alive'> | 'survived';
  /**
   * The longest idle time, in whole seconds, with which the latest first probe and one repeat leave while the path is known to
   * keep the connection. `null` if there is none.
   */
  readonly recommendedIdle: number | null;
  /** The text of a policy with that idle time; `null` if there is none. */
  readonly policy: string | null;
  /** Results that contradict the others: the path has changed, or the server treats connections differently. */
  readonly disagreements: readonly Trial[];
}

const count = 3;

/** Returns the time between two probes, for a path that keeps connections for as long. */
function intervalFor(keptMs: number): number {
  return 1000 * Math.min(5, Math.max(1, Math.floor(keptMs / 12_000)));
}

/** Less than the shortest idle time and the shortest interval together. */
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
 * Returns whether the server closed a connection for another reason than its rest: others lived more than twice as long.
 * Servers that look for idle clients from time to time close them up to half as late again.
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

/** Judges what became of connections that rested. The shortest loss decides: results that disagree are not averaged. */
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
