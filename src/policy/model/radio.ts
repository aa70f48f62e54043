import type { CompletePolicy } from '../policy.js';
import { falseAlarm, type PathLoss } from './false-alarm.js';
import { quietTraffic } from './traffic.js';

/**
 * How long the radio of a phone stays on after a packet, at the least: 11.6 s with LTE, measured by Huang et al., MobiSys 2012, "A
 * Close Examination of Performance and Power Characteristics of 4G LTE Networks". A repeat within that time wakes nothing up.
 */
export const radioTailMs = 10_000;

/** Returns how often a day the probes of a quiet connection wake up the radio, repeats of lost probes included. */
export function radioWakeUps({ idle, interval, count }: CompletePolicy, path: PathLoss): number {
  const probesPerDay = quietTraffic({ idle, interval, count }, 1).packetsPerDay / 2;
  if (interval <= radioTailMs || path.loss === 0) return probesPerDay;
  let repeats = 0;
  // The chance that so many probes in a row are lost is that of a false alarm with this count.
  for (let lost = 1; lost < count; lost += 1) repeats += falseAlarm({ idle, interval, count: lost }, path).perProbe;
  return probesPerDay * (1 + repeats);
}
