import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../parse.js';
import { type DetectionScenario, detectionTime } from './detection-time.js';
import { lossTimeline } from './timeline.js';

const policies = [
  '30:5:3',
  '30:5:3:auto',
  '2:1:3:1',
  '2:1:3:2500ms',
  '2:1:3:10',
  '5:30:2',
  '1:1:1',
  '7200:75:9',
  '2:1:3:3010ms',
];
const scenarios: readonly DetectionScenario[] = ['idle', 'data-in-flight', 'rebooted'];

describe.each(policies)('the timeline of %s', (text) => {
  const settings = parsePolicy(text);

  it.each(scenarios)('ends as detectionTime predicts: %s', (scenario) => {
    for (const conditions of [{}, { hz: 250 }, { hz: 1000, rtoMs: 800, retries2: 5 }]) {
      const { earliestMs, latestMs } = lossTimeline(settings, scenario, conditions).at(-1) ?? {};
      expect({ earliestMs, latestMs }).toEqual(detectionTime(text, scenario, conditions));
    }
  });

  it.each(scenarios)('is in order, and begins at 0: %s', (scenario) => {
    const entries = lossTimeline(settings, scenario);
    expect(entries[0]).toMatchObject({ earliestMs: 0, latestMs: 0 });
    expect(entries.at(-1)?.step).toBe('dead');
    const certain = entries.filter(({ isCertain }) => isCertain);
    for (const end of ['earliestMs', 'latestMs'] as const) {
      const moments = certain.map((entry) => entry[end]);
      expect(moments).toEqual([...moments].sort((a, b) => a - b));
    }
  });
});

it('has each probe of 30:5:3 between its moments, and one that only late timers leave out', () => {
  expect(lossTimeline(parsePolicy('30:5:3'), 'idle', { hz: 250 })).toEqual([
    { step: 'last-segment', earliestMs: 0, latestMs: 0, isCertain: true },
    { step: 'probe', number: 1, earliestMs: 29_996, latestMs: 32_048, isCertain: true },
    { step: 'probe', number: 2, earliestMs: 35_000, latestMs: 37_304, isCertain: true },
    { step: 'probe', number: 3, earliestMs: 40_000, latestMs: 42_560, isCertain: true },
    { step: 'dead', earliestMs: 45_000, latestMs: 47_816, isCertain: true },
  ]);
  const probes = lossTimeline(parsePolicy('2:1:3:3010ms'), 'idle', { hz: 250 }).filter(({ step }) => step === 'probe');
  expect(probes.map(({ isCertain }) => isCertain)).toEqual([true, false]);
});

it('has the retransmissions of data, each after twice the time of the one before', () => {
  const entries = lossTimeline(parsePolicy('30:5:3:auto'), 'data-in-flight', { hz: 250, rtoMs: 200 });
  const times = entries.filter(({ step }) => step === 'retransmission').map(({ earliestMs }) => earliestMs);
  expect(times.slice(0, 5)).toEqual([200, 600, 1400, 3000, 6200]);
});
