/** A span of time in which something is predicted to happen; both ends are `Infinity` where it never will. */
export interface TimeRange {
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** The range of something that does not happen. */
export const never: TimeRange = { earliestMs: Number.POSITIVE_INFINITY, latestMs: Number.POSITIVE_INFINITY };

/** The smallest range that covers all of `ranges`, rounded outwards to whole milliseconds. */
export function coverRanges(ranges: readonly TimeRange[]): TimeRange {
  return {
    earliestMs: Math.floor(Math.min(...ranges.map((range) => range.earliestMs))),
    latestMs: Math.ceil(Math.max(...ranges.map((range) => range.latestMs))),
  };
}

/** The range of something that happens at a known moment. */
export const at = (ms: number): TimeRange => ({ earliestMs: ms, latestMs: ms });

/** The part of a range between two moments. */
export const overlap = ({ earliestMs, latestMs }: TimeRange, from: number, to: number): TimeRange => ({
  earliestMs: Math.max(earliestMs, from),
  latestMs: Math.min(latestMs, to),
});

/** The smallest range that covers two. */
export const hull = (one: TimeRange | undefined, other: TimeRange): TimeRange => ({
  earliestMs: Math.min(one?.earliestMs ?? Number.POSITIVE_INFINITY, other.earliestMs),
  latestMs: Math.max(one?.latestMs ?? Number.NEGATIVE_INFINITY, other.latestMs),
});
