import { expect, it } from 'vitest';
import { retransmissionRange, windowProbeRange } from './retransmission.js';

it.each([{}, { rtoMax: 5000 }, { rtoMax: 100 }])(
  'the times between retransmissions grow to the maximum, of %j',
  (settings) => {
    const at = (number: number) => retransmissionRange(number, settings, {}, 250);
    const { rtoMax = 120_000 } = settings as { rtoMax?: number };
    const waits = Array.from({ length: 40 }, (_, index) => at(index + 2).earliestMs - at(index + 1).earliestMs);
    for (const [index, wait] of waits.entries()) expect(wait).toBeCloseTo(Math.min(204 * 2 ** (index + 1), rtoMax));
    const [before, last, far] = [at(39), at(40), at(1_000_000)];
    for (const end of ['earliestMs', 'latestMs'] as const) {
      expect(far[end]).toBeCloseTo(last[end] + 999_960 * (last[end] - before[end]), 0);
    }
  },
);

it.each([3, 15])('the times between window probes double %i times at most, up to the maximum', (retries2) => {
  const at = (number: number) => windowProbeRange(number, {}, { retries2 }, 250);
  const waits = Array.from({ length: 40 }, (_, index) => at(index + 1).earliestMs - at(index).earliestMs);
  for (const [index, wait] of waits.entries()) {
    expect(wait).toBeCloseTo(Math.min(204 * 2 ** Math.min(index, retries2), 120_000));
  }
  const [before, last, far] = [at(39), at(40), at(1_000_000)];
  for (const end of ['earliestMs', 'latestMs'] as const) {
    expect(far[end]).toBeCloseTo(last[end] + 999_960 * (last[end] - before[end]), 0);
  }
});
