import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KeepAliveState } from '../settings.js';
import { detectionTime } from './detection-time.js';
import { createJudge, type Transfer, verdictOf } from './verdict.js';

const on = (idle: number, interval: number, count: number, userTimeout: number | null = 0) =>
  ({
    enabled: true,
    idle: idle * 1000,
    interval: interval * 1000,
    count,
    userTimeout,
  }) as KeepAliveState;

const seconds = fc.integer({ min: 1, max: 32_767 });
const states = fc.record({
  enabled: fc.boolean(),
  idle: seconds.map((value) => value * 1000),
  interval: seconds.map((value) => value * 1000),
  count: fc.integer({ min: 1, max: 127 }),
  userTimeout: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 ** 31 - 1 })),
});

describe('verdictOf', () => {
  it.each([
    ['30:5:3', on(30, 5, 3), 'protected'],
    ['30:5:3, a platform without user timeout', on(30, 5, 3, null), 'protected'],
    ["Linux's defaults", on(7200, 75, 9), 'slow'],
    ['keepalive off', { ...on(30, 5, 3), enabled: false }, 'unprotected'],
    // 60 s at the earliest, but timers are late.
    ['30:10:3', on(30, 10, 3), 'slow'],
    // A user timeout takes the place of count, in both directions.
    ['30:10:9 with a user timeout of 40 s', on(30, 10, 9, 40_000), 'protected'],
    ['30:5:3 with a user timeout of 120 s', on(30, 5, 3, 120_000), 'slow'],
  ] as const)('%s', (_, state, verdict) => {
    expect(verdictOf(state)).toBe(verdict);
  });

  it('takes the limit that it is given, and its edge is the latest time of detectionTime', () => {
    const { latestMs } = detectionTime('30:5:3:0');
    expect(verdictOf(on(30, 5, 3), latestMs)).toBe('protected');
    expect(verdictOf(on(30, 5, 3), latestMs - 1)).toBe('slow');
  });

  it.each([
    ['a sysctl above what a socket accepts', on(86_400, 75, 9), 'slow'],
    ['a count above what a socket accepts', on(1, 1, 1000), 'slow'],
    ['an interval of 0 with a user timeout', on(30, 0, 3, 120_000), 'slow'],
  ] as const)('judges %s', (_, state, verdict) => {
    expect(verdictOf(state)).toBe(verdict);
  });

  it('agrees with detectionTime for everything that can be set', () => {
    fc.assert(
      fc.property(states, fc.integer({ min: 1, max: 10_000_000 }), (state, withinMs) => {
        const { enabled, ...policy } = state;
        const isInTime = detectionTime(policy).latestMs <= withinMs;
        expect(verdictOf(state, withinMs)).toBe(enabled ? (isInTime ? 'protected' : 'slow') : 'unprotected');
      }),
    );
  });

  it('is the same from memory, also past what is remembered', () => {
    fc.assert(
      fc.property(fc.array(states, { minLength: 40, maxLength: 80 }), (many) => {
        const judge = createJudge();
        for (const state of [...many, ...many]) expect(judge(state).verdict).toBe(verdictOf(state));
      }),
      { numRuns: 20 },
    );
  });
});

describe('with data in flight', () => {
  const inFlight: Transfer = { isInFlight: true, rtoMs: 204 };

  it.each([
    ['no user timeout: only tcp_retries2 ends it, after 15 minutes', on(5, 1, 3), 60_000, 'slow'],
    ['no user timeout, and a limit beyond that', on(5, 1, 3), 20 * 60_000, 'protected'],
    ['a platform without user timeout', on(5, 1, 3, null), 60_000, 'slow'],
    ['a user timeout within the limit', on(5, 1, 3, 20_000), 60_000, 'protected'],
    ['a user timeout beyond the limit', on(5, 1, 3, 60_000), 60_000, 'slow'],
    ['a user timeout within the limit, although quiet it would be slow', on(7200, 75, 9, 20_000), 60_000, 'protected'],
    // Once the data is acknowledged, nothing would notice.
    ['keepalive off', { ...on(5, 1, 3, 20_000), enabled: false }, 60_000, 'unprotected'],
  ] as const)('%s', (_, state, withinMs, verdict) => {
    expect(verdictOf(state, withinMs, inFlight)).toBe(verdict);
  });

  it('goes by the retransmissions of the network namespace', () => {
    expect(verdictOf(on(5, 1, 3), 60_000, { ...inFlight, retries2: 5 })).toBe('protected');
    expect(verdictOf(on(5, 1, 3), 60_000, { ...inFlight, retries2: 8 })).toBe('slow');
  });

  it('is not judged where nothing says when retransmission gives up', () => {
    expect(verdictOf(on(5, 1, 3), 60_000, { ...inFlight, retries2: null })).toBeNull();
    expect(verdictOf(on(5, 1, 3, 20_000), 60_000, { ...inFlight, retries2: null })).toBe('protected');
    expect(verdictOf(on(5, 1, 3), 60_000, { retries2: null })).toBe('protected');
  });

  it('gives both times, those of detectionTime', () => {
    const conditions = { rtoMs: 204, retries2: 15 };
    expect(createJudge()(on(5, 1, 3), inFlight)).toEqual({
      verdict: 'slow',
      detection: {
        quietMs: detectionTime('5:1:3:0').latestMs,
        inFlightMs: detectionTime('5:1:3:0', 'data-in-flight', conditions).latestMs,
      },
    });
    expect(createJudge()({ ...on(5, 1, 3), enabled: false }).detection.quietMs).toBe(Number.POSITIVE_INFINITY);
  });

  it('takes longer where the peer had closed its window: window probes are up to two minutes apart', () => {
    const judge = createJudge();
    const closed = judge(on(5, 1, 3), { ...inFlight, isWindowClosed: true }).detection.inFlightMs as number;
    expect(closed).toBeGreaterThan(16 * 120_000);
    expect(judge(on(5, 1, 3), inFlight).detection.inFlightMs).toBeLessThan(closed);
  });
});

describe('behind a middlebox', () => {
  const probe = detectionTime('30:5:3', 'rebooted').latestMs;

  it('is exposed if the first probe can go out at its timeout or later', () => {
    expect(createJudge(60_000, probe)(on(30, 5, 3))).toMatchObject({ verdict: 'exposed', firstProbeMs: probe });
    expect(createJudge(60_000, probe + 1)(on(30, 5, 3))).toMatchObject({ verdict: 'protected', firstProbeMs: probe });
  });

  it.each([
    ['keepalive off is worse', { ...on(30, 5, 3), enabled: false }, {}, 'unprotected'],
    ['slow is better', on(7200, 75, 9), {}, 'exposed'],
    ['a short idle time is no matter of the middlebox', on(10, 30, 3), { isInFlight: true }, 'slow'],
    [
      'data in flight change nothing once they are acknowledged',
      on(340, 5, 3, 20_000),
      { isInFlight: true },
      'exposed',
    ],
    [
      'also if nothing says when retransmission gives up',
      on(340, 5, 3),
      { isInFlight: true, retries2: null },
      'exposed',
    ],
    ['after a probe the interval decides', on(10, 400, 1), {}, 'exposed'],
  ] as const)('%s', (_, state, transfer, verdict) => {
    expect(createJudge(60_000, 350_000)(state, transfer).verdict).toBe(verdict);
  });

  it('has no time of the first probe if keepalive is off', () => {
    const judgement = createJudge(60_000, 350_000)({ ...on(30, 5, 3), enabled: false });
    expect(judgement.firstProbeMs).toBe(Number.POSITIVE_INFINITY);
  });

  it('is never said without one', () => {
    fc.assert(fc.property(states, (state) => createJudge(1)(state).verdict !== 'exposed'));
  });
});
