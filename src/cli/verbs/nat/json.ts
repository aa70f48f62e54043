import type { PathMeasurement } from '../../../socket/path/path-options.js';

/** Returns what `nat --json` prints. Durations are in milliseconds. */
export function toJson({ aliveMs, lostMs, how, recommendedIdle, policy, ...rest }: PathMeasurement) {
  return { aliveMs, lostMs, how, recommendedIdle, policy, ...rest };
}
