/** A span of time in which something is predicted to happen; both ends are `Infinity` where it never will. */
export interface TimeRange {
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** The range of something that does not happen. Frozen, because callers of the package get it. */
export const never: TimeRange = Object.freeze({
  earliestMs: Number.POSITIVE_INFINITY,
  latestMs: Number.POSITIVE_INFINITY,
});

/** The smallest range that covers all of `ranges`, rounded outwards to whole milliseconds. */
export function coverRanges(ranges: readonly TimeRange[]): TimeRange {
  return {
    earliestMs: Math.floor(Math.min(...ranges.map((range) => range.earliestMs))),
    latestMs: Math.ceil(Math.max(...ranges.map((range) => range.latestMs))),
  };
}
