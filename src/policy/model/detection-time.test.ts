import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PolicyError } from '../errors.js';
import { detectionTime } from './detection-time.js';
import { kernelHz, timerLatenessMs } from './timer-wheel.js';

/** Times to death measured on Linux 6.18 with HZ 250, in milliseconds. */
const measured = [
  ['2:1:3', 'idle', 5080],
  ['2:1:3:1', 'idle', 3040],
  ['2:1:3:2500ms', 'idle', 3030],
  ['2:1:3:3500ms', 'idle', 4060],
  ['2:1:3:5', 'idle', 5080],
  ['2:1:3:10', 'idle', 10_200],
  ['2:1:3:250ms', 'data-in-flight', 670],
  ['2:1:3:3', 'data-in-flight', 3420],
  ['2:1:3:5', 'data-in-flight', 5520],
  ['2:1:3:10', 'data-in-flight', 10_650],
  ['2:1:3', 'rebooted', 2030],
] as const;

describe('detectionTime', () => {
  it.each(measured)('%s, %s: %i ms lies within', (policy, scenario, deadMs) => {
    for (const conditions of [{}, { hz: 250 }]) {
      const { earliestMs, latestMs } = detectionTime(policy, scenario, conditions);
      expect(deadMs).toBeGreaterThanOrEqual(earliestMs);
      expect(deadMs).toBeLessThanOrEqual(latestMs);
    }
  });

  it.each([
    [3, 6650],
    [5, 13_300],
    [8, 106_000],
  ])('data in flight without a user timeout, tcp_retries2 = %i: %i ms lies within', (retries2, deadMs) => {
    for (const conditions of [{ retries2 }, { retries2, hz: 250 }]) {
      const { earliestMs, latestMs } = detectionTime('2:1:3', 'data-in-flight', conditions);
      expect(deadMs).toBeGreaterThanOrEqual(earliestMs);
      expect(deadMs).toBeLessThanOrEqual(latestMs);
    }
  });

  it('the default of tcp_retries2 takes at least the 924.6 s of the kernel documentation', () => {
    const { earliestMs, latestMs } = detectionTime('30:5:3', 'data-in-flight', { hz: 250 });
    expect(earliestMs).toBeGreaterThanOrEqual(924_600);
    expect(latestMs).toBeLessThan(1_000_000);
  });

  it('30:5:3 notices an idle crash after 45 s, never earlier', () => {
    const { earliestMs, latestMs } = detectionTime('30:5:3');
    expect(earliestMs).toBe(45_000);
    expect(latestMs).toBeLessThan(48_000);
  });

  it("the kernel's own defaults take 2 h 11 min 15 s", () => {
    expect(detectionTime('7200:75:9').earliestMs).toBe((2 * 3600 + 11 * 60 + 15) * 1000);
  });

  it('a user timeout overrides count in both directions', () => {
    const without = detectionTime('10:5:3');
    expect(detectionTime('10:5:3:11').latestMs).toBeLessThan(without.earliestMs);
    expect(detectionTime('10:5:3:60').earliestMs).toBeGreaterThan(without.latestMs);
  });

  it('without keepalive an idle crash is never noticed', () => {
    expect(detectionTime(false)).toEqual({ earliestMs: Infinity, latestMs: Infinity });
    expect(detectionTime(false, 'data-in-flight')).toEqual(detectionTime('1:1:1', 'data-in-flight'));
  });

  it('a known HZ only narrows the range, and idle + interval x count is never undercut', () => {
    const seconds = fc.integer({ min: 1, max: 32767 });
    const policy = fc.tuple(seconds, seconds, fc.integer({ min: 1, max: 127 }));
    fc.assert(
      fc.property(policy, fc.constantFrom(...kernelHz), ([idle, interval, count], hz) => {
        const text = `${idle}:${interval}:${count}`;
        const any = detectionTime(text);
        const known = detectionTime(text, 'idle', { hz });
        expect(known.earliestMs).toBe((idle + interval * count) * 1000);
        expect(any.earliestMs).toBe(known.earliestMs);
        expect(any.latestMs).toBeGreaterThanOrEqual(known.latestMs);
        const nominalMs = (Math.max(idle, interval) + interval * count) * 1000;
        expect(known.latestMs).toBeLessThanOrEqual(nominalMs * 1.128 + (count + 1) * (1000 / hz));
      }),
    );
  });

  it('with a small rtoMax data in flight are given up after 14.4 s instead of 924.6 s', () => {
    const policy = { idle: '30s', interval: '5s', count: 3 };
    const { earliestMs, latestMs } = detectionTime({ ...policy, rtoMax: '1s' }, 'data-in-flight', { hz: 250 });
    expect(earliestMs).toBeGreaterThanOrEqual(14_400);
    expect(latestMs).toBeLessThan(17_000);
    const whole = detectionTime({ ...policy, rtoMax: '120s' }, 'data-in-flight');
    expect(whole).toEqual(detectionTime('30:5:3', 'data-in-flight'));
  });

  it('refuses an incomplete policy and an unknown scenario', () => {
    expect(() => detectionTime({ idle: 1000 })).toThrow(PolicyError);
    const given = 'asleep' as 'idle';
    expect(() => detectionTime('1:1:1', given)).toThrow(
      "detectionTime: scenario must be 'idle', 'data-in-flight' or 'rebooted', got \"asleep\"",
    );
  });

  it.each([
    { hz: 0 },
    { hz: Number.NaN },
    { hz: '250' as never },
    { rtoMs: 0 },
    { rtoMs: -1 },
    { rtoMs: Number.NaN },
    { rtoMs: Infinity },
    { retries2: Number.NaN },
    { retries2: 1.5 },
    { retries2: 256 },
  ])('refuses the conditions %j, which no kernel has', (conditions) => {
    for (const scenario of ['idle', 'data-in-flight', 'rebooted'] as const) {
      expect(() => detectionTime('30:5:3', scenario, conditions)).toThrow(
        expect.objectContaining({ name: 'ConfigurationError', field: Object.keys(conditions)[0] }),
      );
    }
  });

  it.each([
    { hz: 10, rtoMs: 1, retries2: 0 },
    { hz: 10_000, rtoMs: 120_000, retries2: 255 },
  ])('takes the extremes %j', (conditions) => {
    for (const policy of [false, '32767:32767:127', '1:1:1:2147483647ms'] as const) {
      const { earliestMs, latestMs } = detectionTime(policy, 'data-in-flight', conditions);
      expect(latestMs).toBeGreaterThan(earliestMs);
      expect(latestMs).toBeLessThan(Infinity);
    }
  });
});

describe('timerLatenessMs', () => {
  it.each([
    [16_200, 2048],
    [100_000, 2048],
    [130_000, 16_384],
    [340_000, 16_384],
    [100, 4],
  ])('at HZ 250 a timer of %i ms is at most %i ms late', (delayMs, latenessMs) => {
    expect(timerLatenessMs(delayMs, 250)).toBe(latenessMs);
  });
});
