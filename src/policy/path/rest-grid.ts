import { isLoss, judgePath, type Trial } from './path-verdict.js';

/** Which rests are measured, with how many connections at a time. Durations are in milliseconds. */
export interface GridRange {
  readonly minMs: number;
  readonly maxMs: number;
  readonly connections: number;
}

/** Each rest of the first pass is this many times as long as the one before. */
const firstStep = 1.1;

/** A bracket of this share of its lower end is narrow enough. */
const resolution = 0.01;
const leastResolutionMs = 250;

/** The kernel probes no peer that it heard within the last second. */
export const leastRestMs = 1000;

/** A repeat of a rest that was survived is this much shorter, so that its loss contradicts the first result. */
const repeatFactor = 1 - resolution / 2;

/** With fewer connections, a pass that narrows the bracket has none to spare for repeats. */
const leastForRepeats = 4;

/** Returns rests from one to the other, both included, each longer than the one before by the same factor. */
function spread(fromMs: number, toMs: number, count: number): number[] {
  const factor = (toMs / fromMs) ** (1 / (count - 1));
  return Array.from({ length: count }, (_, index) => Math.round(fromMs * factor ** index));
}

/** Returns the rests of the first pass, each 10 % longer than the one before, or more if there are too few connections. */
export function firstRests({ minMs, maxMs, connections }: GridRange): number[] {
  const rests: number[] = [];
  for (let rest = minMs; rest < maxMs && rests.length < connections; rest *= firstStep) rests.push(Math.round(rest));
  return rests.length < connections ? [...rests, maxMs] : spread(minMs, maxMs, connections);
}

/**
 * Returns the rests of the next pass; none if nothing is left to measure. The bracket between the longest rest that was
 * survived and the shortest that was not is divided until it is 1 % or 250 ms wide, and both ends are repeated once.
 */
export function nextRests(trials: readonly Trial[], range: GridRange): number[] {
  const { aliveMs, lostMs, how, disagreements } = judgePath(trials);
  if (lostMs === null || how === 'closed-by-server' || disagreements.length > 0) return [];
  const isRepeated = new Set(trials.filter(isLoss).map(({ pass }) => pass)).size > 1;
  const shorter = Math.max(leastRestMs, Math.floor(aliveMs * repeatFactor));
  const lowerMs = Math.max(leastRestMs, aliveMs);
  const widthMs = lostMs - lowerMs;
  const stepMs = Math.max(leastResolutionMs, lowerMs * resolution);
  if (widthMs <= stepMs) return isRepeated ? [] : [shorter, lostMs];
  const hasRepeats = range.connections >= leastForRepeats;
  const most = range.connections - (hasRepeats ? 2 : 0);
  const inside = spread(lowerMs, lostMs, Math.min(most, Math.ceil(widthMs / stepMs) - 1) + 2).slice(1, -1);
  return hasRepeats ? [shorter, ...inside, lostMs] : inside;
}
