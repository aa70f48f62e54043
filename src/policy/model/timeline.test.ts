import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../parse.js';
import { type DetectionScenario, detectionTime } from './detection-time.js';
import type { ConnectionEvent, EventKind, Scenario } from './scenario.js';
import { lossTimeline, timeline } from './timeline.js';
import { timerLatenessMs } from './timer-wheel.js';

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

const at = (what: EventKind, seconds: number): ConnectionEvent => ({ what, atMs: seconds * 1000 });

describe('a timeline of events', () => {
  const conditions = { hz: 250, rtoMs: 200, retries2: 5 };

  it('counts from the last probe that was answered, or the last write', () => {
    const probed = timeline(parsePolicy('2:1:3'), { events: [at('vanish', 3)] }, conditions);
    expect(probed.death).toEqual({ earliestMs: 6996, latestMs: 7160 });
    const written = timeline(parsePolicy('2:1:3'), { events: [at('write', 1), at('vanish', 1.5)] }, conditions);
    expect(written.death).toEqual({ earliestMs: 6000, latestMs: 6128 });
  });

  it('has a heartbeat hide keepalive: the data in flight decides', () => {
    const { death, entries } = timeline(
      parsePolicy('2:1:3:auto'),
      { events: [at('vanish', 3600.5)], everyMs: 1000 },
      conditions,
    );
    const inFlight = detectionTime('2:1:3:auto', 'data-in-flight', conditions);
    expect(death).toEqual({ earliestMs: 3_601_000 + inFlight.earliestMs, latestMs: 3_601_000 + inFlight.latestMs });
    expect(entries.filter(({ step }) => step === 'probe')).toEqual([]);
    // An hour of heartbeats is one entry.
    expect(entries.length).toBeLessThan(15);
  });

  it('has probes between the heartbeats that are further apart than idle', () => {
    const { entries, verdict } = timeline(
      parsePolicy('2:1:3'),
      { events: [], everyMs: 5000, untilMs: 60_000 },
      conditions,
    );
    expect(verdict).toBe('alive');
    expect(entries.filter(({ step }) => step === 'probe').map(({ times }) => times)).toEqual([
      { fewest: 2, most: 2 },
      { fewest: 22, most: 22 },
    ]);
  });

  it.each<[string, ConnectionEvent[], string, string[]]>([
    ['2:1:3', [at('vanish', 0.5), at('return', 3.5)], 'alive', []],
    ['2:1:3', [at('vanish', 0.5), at('return', 4.5)], 'dead', ['ETIMEDOUT']],
    // The third probe goes out, or has gone out, as the path returns.
    ['2:1:3', [at('vanish', 0.5), at('return', 4.05)], 'either', ['ETIMEDOUT']],
    ['2:1:3:3', [at('vanish', 0.5), at('return', 2.5)], 'dead', ['ETIMEDOUT']],
    ['2:1:3', [at('vanish', 0.5), at('write', 1), at('return', 5)], 'alive', []],
    ['2:1:3:5', [at('vanish', 0.5), at('write', 1), at('return', 9)], 'dead', ['ETIMEDOUT']],
    ['2:1:3', [at('vanish', 0.5), at('write', 1), at('reboot', 5)], 'dead', ['ECONNRESET']],
    ['2:1:3', [at('reboot', 0.5), at('write', 1)], 'dead', ['ECONNRESET']],
    ['2:1:3', [at('stop-reading', 0.5)], 'alive', []],
    ['2:1:3:5', [at('stop-reading', 0.5)], 'dead', ['ETIMEDOUT']],
    ['2:1:3:5', [at('stop-reading', 0.5), at('resume-reading', 4)], 'alive', []],
    ['2:1:3', [at('stop-reading', 0.5), at('vanish', 4)], 'dead', ['ETIMEDOUT']],
    ['2:1:3', [at('stop-reading', 0.5), at('vanish', 4), at('return', 8)], 'alive', []],
    ['2:1:3', [at('stop-reading', 0.5), at('reboot', 4)], 'dead', ['ECONNRESET']],
  ])('%s, %j: %s', (text, events, verdict, errors) => {
    expect(timeline(parsePolicy(text), { events, untilMs: 600_000 }, conditions)).toMatchObject({ verdict, errors });
  });

  it.each<[string, Omit<Scenario, 'events'>, string, string[], number?]>([
    // Measured through a NAT with conntrack, which forgets after 10 s.
    ['11:1:3', { middlebox: { timeoutMs: 10_000, onExpiry: 'silent' } }, 'dead', ['ETIMEDOUT'], 14_200],
    ['11:1:3', { middlebox: { timeoutMs: 10_000, onExpiry: 'reset' } }, 'dead', ['ECONNRESET'], 11_150],
    ['11:1:3', { middlebox: { timeoutMs: 10_000, onExpiry: 'closes' } }, 'dead', ['closed'], 10_000],
    ['5:1:3', { middlebox: { timeoutMs: 10_000, onExpiry: 'silent' } }, 'alive', []],
    // A timer that is late makes the difference.
    ['9:1:3', { middlebox: { timeoutMs: 9100, onExpiry: 'silent' } }, 'either', ['ETIMEDOUT']],
    ['11:1:3', { everyMs: 4000, middlebox: { timeoutMs: 10_000, onExpiry: 'silent' } }, 'alive', []],
    [
      '99:1:3',
      { everyMs: 12_000, middlebox: { timeoutMs: 10_000, onExpiry: 'reset' } },
      'dead',
      ['ECONNRESET'],
      12_000,
    ],
  ])('%s, %j: %s', (text, scenario, verdict, errors, measuredMs) => {
    const { death, ...outcome } = timeline(parsePolicy(text), { events: [], untilMs: 60_000, ...scenario }, conditions);
    expect(outcome).toMatchObject({ verdict, errors });
    if (measuredMs === undefined) return;
    expect(measuredMs).toBeGreaterThanOrEqual(death.earliestMs);
    expect(measuredMs).toBeLessThanOrEqual(death.latestMs);
  });

  it('lets nobody return whom a middlebox has forgotten', () => {
    const events = [at('vanish', 12), at('return', 13)];
    const middlebox = { timeoutMs: 10_000, onExpiry: 'silent' } as const;
    expect(timeline(parsePolicy('11:1:3'), { events, middlebox }, conditions).verdict).toBe('dead');
    const off = { ...parsePolicy('11:1:3'), enabled: false, userTimeout: 0 };
    expect(timeline(off, { events, middlebox }, conditions).verdict).toBe('alive');
    expect(timeline(off, { events: [at('write', 20)], middlebox }, conditions).verdict).toBe('dead');
  });

  it('ends where it is told to', () => {
    const { verdict, entries } = timeline(
      parsePolicy('2:1:3'),
      { events: [at('vanish', 1)], untilMs: 4500 },
      conditions,
    );
    expect(verdict).toBe('alive');
    expect(entries.at(-1)).toMatchObject({ step: 'probe', number: 3 });
  });

  it('never notices a quiet peer without keepalive', () => {
    const off = { ...parsePolicy('2:1:3'), enabled: false, userTimeout: 0 };
    expect(timeline(off, { events: [at('vanish', 1)] }).verdict).toBe('alive');
    expect(timeline(off, { events: [at('vanish', 1), at('write', 2)] }, conditions).verdict).toBe('dead');
  });
});

describe('a timeline, against tcp_keepalive_timer() played tick by tick', () => {
  const seconds = fc.integer({ min: 1, max: 6 }).map((value) => value * 1000);
  const numbers = fc.record({
    idle: seconds,
    interval: seconds,
    count: fc.integer({ min: 1, max: 4 }),
    userTimeout: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 20_000 })),
  });
  const moment = fc.integer({ min: 1, max: 20_000 });
  const latenesses = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 7 });

  it('leaves out no moment that timers can reach', () => {
    fc.assert(
      fc.property(numbers, moment, moment, latenesses, (settings, from, length, late) => {
        const events = [at('vanish', from / 1000), at('return', (from + length) / 1000)];
        const { verdict, death } = timeline(settings, { events, untilMs: 60_000 }, { hz: 250 });
        const diedAt = played(settings, from, from + length, late);
        expect(verdict).not.toBe(diedAt === undefined ? 'dead' : 'alive');
        if (diedAt === undefined) return;
        expect(diedAt).toBeGreaterThanOrEqual(death.earliestMs);
        expect(diedAt).toBeLessThanOrEqual(death.latestMs);
      }),
      { numRuns: 2000 },
    );
  });
});

type Numbers = Readonly<Record<'idle' | 'interval' | 'count' | 'userTimeout', number>>;

/** Plays a connection whose peer is gone for a while. Returns when the connection dies, if it does. */
function played({ idle, interval, count, userTimeout }: Numbers, goneMs: number, backMs: number, late: number[]) {
  let timers = 0;
  const fires = (ms: number) => ms + (late[timers++ % late.length] as number) * timerLatenessMs(ms, 250);
  let [heard, unanswered, tick] = [0, 0, fires(idle)];
  while (tick < 60_000) {
    const elapsed = tick - heard;
    if (elapsed < idle) {
      tick += fires(idle - elapsed);
      continue;
    }
    if (userTimeout === 0 ? unanswered >= count : unanswered > 0 && elapsed >= userTimeout) return tick;
    if (tick >= goneMs && tick < backMs) unanswered += 1;
    else [heard, unanswered] = [tick, 0];
    tick += fires(interval);
  }
  return undefined;
}
