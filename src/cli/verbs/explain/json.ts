import type { Explanation } from './explanation.js';

/** Returns an explanation as the JSON of `explain --json`. */
export function toJson({ policy, numbers, detection, timelines, traffic, falseAlarm, warnings }: Explanation): object {
  return { policy, numbers, detection, timeline: timelines.idle, traffic, falseAlarm, warnings };
}
