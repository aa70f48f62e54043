import { limits } from '../../../policy/policy.js';

/** When a quiet peer is asked, more often than the kernel's options allow, and when it is given up; in milliseconds. */
export interface ProbePlan {
  /** The idle time that the connection has while it is watched: whole seconds, not later than `quietMs`. */
  readonly idleMs: number;
  /** The latest time after the last sign of life at which the peer is asked. */
  readonly quietMs: number;
  /** From each probe to the next, and from the last one to the verdict. */
  readonly gapsMs: readonly number[];
}

/** The kernel probes no peer that it heard within the last second. */
const leastQuietMs = 1000;

/** The longest idle time that TCP_KEEPIDLE takes. */
const longestIdleMs = limits.idle.max;

/** How late a snapshot is at most, if the program does not block the thread. */
const snapshotLatenessMs = 60;

/** The least that can be kept: a second of quiet, and probes a jiffy of any kernel apart. */
export const leastDeadWithinMs = leastQuietMs + 200;

/**
 * A Linux peer that has answered one probe answers no other for 500 ms (net/ipv4/tcp_input.c, tcp_oow_rate_limited): a
 * question that is to survive a lost answer takes longer than that. Each answer has two probes, since one may be lost
 * as well.
 */
const answerGapsMs = [200, 340] as const;
const lastGapsMs = [180, 140] as const;

/** With more the peer would have to be asked sooner; three lost answers in a row are rare. */
const mostAnswers = 3;

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

/** The gaps of a question that is given up when so many answers are missing. */
function gapsFor(answers: number): number[] {
  return [...Array.from({ length: answers - 1 }, () => answerGapsMs).flat(), ...lastGapsMs];
}

/** From here on it takes two, or three, lost answers for a false alarm. */
export const robustDeadWithinMs: Readonly<Record<2 | 3, number>> = {
  2: leastQuietMs + sum(gapsFor(2)) + snapshotLatenessMs,
  3: leastQuietMs + sum(gapsFor(3)) + snapshotLatenessMs,
};

/** Returns how long a question takes until the peer is given up. */
export function questionMs({ gapsMs }: ProbePlan): number {
  return sum(gapsMs);
}

function planOf(quietMs: number, gapsMs: readonly number[]): ProbePlan {
  return { idleMs: Math.min(longestIdleMs, Math.floor(quietMs / 1000) * 1000), quietMs, gapsMs };
}

/** Asks as late as leaves time for the verdict, and has as many answers be missing as there is time for. */
export function probePlan(deadWithinMs: number): ProbePlan {
  const endMs = deadWithinMs - snapshotLatenessMs;
  for (let answers = mostAnswers; answers > 1; answers -= 1) {
    const gapsMs = gapsFor(answers);
    const quietMs = endMs - sum(gapsMs);
    if (quietMs >= leastQuietMs) return planOf(quietMs, gapsMs);
  }
  const gapMs = (endMs - leastQuietMs) / 4;
  return planOf(leastQuietMs, [gapMs, gapMs, gapMs, gapMs]);
}
