import type { DetectionConditions, DetectionScenario } from './detection-time.js';
import { probeRange, probesOnKernels, type QuietSettings, quietDeath } from './quiet-death.js';
import { inFlightDeath, retransmissionRange } from './retransmission.js';
import { coverRanges, type TimeRange } from './time-range.js';
import { kernelHz } from './timer-wheel.js';

/**
 * What happens on a connection whose peer is lost.
 *
 * - `last-segment`: the peer is heard for the last time.
 * - `data`: the program writes, and the peer acknowledges nothing any more.
 * - `probe`: the kernel sends a keepalive probe. `retransmission`: it sends the data again.
 * - `dead`: the kernel ends the connection, with `ETIMEDOUT`, or with `ECONNRESET` where the peer answers with RST.
 */
export type TimelineStep = 'last-segment' | 'data' | 'probe' | 'retransmission' | 'dead';

/** A step, and between which moments it happens, in milliseconds since the first step. */
export interface TimelineEntry extends TimeRange {
  readonly step: TimelineStep;
  /** Which probe or retransmission it is, from 1. */
  readonly number?: number;
  /** Whether it happens in any case: how late timers are can decide whether there is one more. */
  readonly isCertain: boolean;
}

const at = (step: TimelineStep, range: TimeRange, number?: number, isCertain = true): TimelineEntry => ({
  step,
  ...(number === undefined ? {} : { number }),
  ...range,
  isCertain,
});

const start: TimeRange = { earliestMs: 0, latestMs: 0 };

const clocksOf = (hz: number | undefined) => (hz === undefined ? kernelHz : [hz]);

const onKernels = (hz: number | undefined, rangeOn: (hz: number) => TimeRange): TimeRange =>
  coverRanges(clocksOf(hz).map(rangeOn));

function quietTimeline(settings: QuietSettings, hz: number | undefined): TimelineEntry[] {
  const { fewest, most } = probesOnKernels(settings, clocksOf(hz));
  const probes = Array.from({ length: most }, (_, index) => {
    const range = onKernels(hz, (each) => probeRange(settings, index + 1, each));
    return at('probe', range, index + 1, index < fewest);
  });
  return [
    at('last-segment', start),
    ...probes,
    at(
      'dead',
      onKernels(hz, (each) => quietDeath(settings, each)),
    ),
  ];
}

function inFlightTimeline(settings: QuietSettings, { hz, rtoMs, retries2 = 15 }: DetectionConditions): TimelineEntry[] {
  const conditions = rtoMs === undefined ? { retries2 } : { retries2, rtoMs };
  const death = onKernels(hz, (each) => inFlightDeath(settings, conditions, each));
  const entries = [at('data', start)];
  for (let number = 1; ; number += 1) {
    const range = onKernels(hz, (each) => retransmissionRange(number, settings, conditions, each));
    if (range.earliestMs >= death.latestMs) return [...entries, at('dead', death)];
    entries.push(at('retransmission', range, number, range.latestMs < death.earliestMs));
  }
}

/**
 * Returns what the kernel does on a connection whose peer is lost, in the order in which it happens. The last entry is the
 * prediction of `detectionTime`.
 *
 * @param settings All numbers of keepalive, which is on.
 */
export function lossTimeline(
  settings: QuietSettings,
  scenario: DetectionScenario,
  conditions: DetectionConditions = {},
): readonly TimelineEntry[] {
  const { hz } = conditions;
  if (scenario === 'data-in-flight') return inFlightTimeline(settings, conditions);
  if (scenario === 'idle') return quietTimeline(settings, hz);
  const first = onKernels(hz, (each) => probeRange(settings, 1, each));
  return [at('last-segment', start), at('probe', first, 1), at('dead', first)];
}
