import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../configuration-error.js';
import { PolicyError } from '../errors.js';
import { detectionTime } from '../model/detection-time.js';
import type { PolicyInput } from '../policy.js';
import { judgeBehind, recommendedIdle } from './judge-behind.js';
import type { Middlebox } from './middlebox.js';
import { middleboxes, middleboxOf } from './middleboxes.js';

describe('judgeBehind', () => {
  it.each<[PolicyInput | false, string, string]>([
    ['30:5:3', 'aws-nlb', 'safe'],
    ['311:5:3', 'aws-nlb', 'safe'],
    // Timers are late by up to 12.5 %.
    ['340:5:3', 'aws-nlb', 'too-late'],
    ['350:5:3', '350s', 'too-late'],
    ['7200:75:9', 'azure-lb', 'too-late'],
    ['7200:75:9', 'linux-conntrack', 'safe'],
    // After a probe that was answered, the interval decides.
    ['30:400:3', 'aws-nlb', 'too-late'],
    [false, 'aws-nlb', 'off'],
    ['off', 'aws-nlb', 'off'],
    [{ enabled: false, idle: 30_000, interval: 5000, count: 3 }, 'aws-nlb', 'off'],
    ['30:5:3', 'aws-alb', 'not-counted'],
    [false, 'aws-alb', 'not-counted'],
    ['30:5:3', 'haproxy', 'not-counted'],
    ['30:5:3', 'kemp', 'unknown'],
    ['7200:75:9', 'kemp', 'too-late'],
    ['30:5:3', 'mobile-carrier', 'unknown'],
  ])('%j behind %s is %s', (policy, middlebox, outcome) => {
    expect(judgeBehind(policy, middlebox).outcome).toBe(outcome);
  });

  it('has the arithmetic, of the model of detection times', () => {
    const first = detectionTime('340:5:3', 'rebooted');
    expect(judgeBehind('340:5:3', 'aws-nlb')).toEqual({
      outcome: 'too-late',
      middlebox: middleboxOf('aws-nlb'),
      firstProbe: first,
      latenessMs: first.latestMs - 340_000,
      latestRepeatMs: expect.any(Number),
      marginMs: 350_000 - first.latestMs,
      recommendedIdleMs: 311_000,
    });
    const { latestRepeatMs } = judgeBehind('340:5:2', 'aws-nlb');
    expect(latestRepeatMs).toBe(detectionTime('340:5:1').latestMs);
  });

  it('has no times where none can be computed', () => {
    expect(judgeBehind(false, '350s')).toMatchObject({
      firstProbe: { earliestMs: Number.POSITIVE_INFINITY },
      latestRepeatMs: Number.POSITIVE_INFINITY,
      latenessMs: 0,
      marginMs: null,
      recommendedIdleMs: 311_000,
    });
    expect(judgeBehind('30:5:3', 'haproxy')).toMatchObject({ marginMs: null, recommendedIdleMs: undefined });
  });

  it('takes a probe at the moment of the timeout for too late', () => {
    const { latestMs } = detectionTime('30:5:3', 'rebooted');
    expect(judgeBehind('30:5:3', latestMs).outcome).toBe('too-late');
    expect(judgeBehind('30:5:3', latestMs + 1).outcome).toBe('safe');
  });

  it.each([
    [null, 'aws-nlb', PolicyError],
    ['30:5', 'aws-nlb', PolicyError],
    [{ idle: 30_000 }, 'aws-nlb', PolicyError],
    ['30:5:3', 'aws-nbl2', ConfigurationError],
    ['30:5:3', null, ConfigurationError],
  ])('refuses %j behind %j', (policy, middlebox, error) => {
    expect(() => judgeBehind(policy as never, middlebox as never)).toThrow(error);
  });
});

describe('recommendedIdle', () => {
  it.each([
    ['aws-nlb', 311_000],
    ['azure-lb', 218_000],
    ['gcp-external-lb', 49_000],
  ])('behind %s is %i', (middlebox, idle) => {
    expect(recommendedIdle(middlebox)).toBe(idle);
  });

  it.each(['aws-alb', 'haproxy', 'mobile-carrier', '10s', '1s', 10])('is not there for %s', (middlebox) => {
    expect(recommendedIdle(middlebox)).toBeUndefined();
  });

  it('is at most what a kernel takes', () => {
    expect(recommendedIdle('linux-conntrack')).toBe(32_767_000);
  });

  it('is the longest that survives one lost probe', () => {
    const timeouts = fc.integer({ min: 1, max: 20_000_000 });
    fc.assert(
      fc.property(timeouts, fc.integer({ min: 1, max: 60 }), (timeoutMs, interval) => {
        const idle = recommendedIdle(timeoutMs, `${interval}s`);
        const latest = (ms: number) => judgeBehind(`${ms / 1000}:${interval}:2`, timeoutMs).latestRepeatMs;
        if (idle !== undefined) expect(latest(idle)).toBeLessThan(timeoutMs);
        if (idle !== 32_767_000) expect(latest((idle ?? 0) + 1000)).toBeGreaterThanOrEqual(timeoutMs);
      }),
      { numRuns: 300 },
    );
  });

  it('agrees with the judgement for each middlebox', () => {
    for (const middlebox of middleboxes) {
      const idle = recommendedIdle(middlebox);
      if (idle === undefined) continue;
      const { outcome } = judgeBehind(`${idle / 1000}:5:3`, middlebox);
      expect(outcome).toBe(middlebox.keepAliveCounts === null ? 'unknown' : 'safe');
    }
  });

  it('takes any interval', () => {
    expect(recommendedIdle('aws-nlb', Number.MAX_VALUE)).toBeUndefined();
    expect(recommendedIdle(Number.MAX_VALUE, Number.MIN_VALUE)).toBe(32_767_000);
  });

  it.each([0, -1, '5', 'x', null, {}, Number.NaN])('refuses the interval %j', (interval) => {
    expect(() => recommendedIdle('aws-nlb', interval as number)).toThrow(ConfigurationError);
  });
});

describe('a middlebox that is an object', () => {
  it('can be a changed copy', () => {
    const nlb = { ...middleboxOf('aws-nlb'), timeoutMs: 6_000_000 };
    const judgement = judgeBehind('340:5:3', nlb);
    expect(judgement).toMatchObject({ outcome: 'safe', middlebox: nlb });
    (judgement.middlebox as { timeoutMs: number }).timeoutMs = 1;
    expect(judgeBehind('340:5:3', nlb).outcome).toBe('safe');
    expect(recommendedIdle(nlb)).toBeGreaterThan(5_000_000);
  });

  it.each([
    ['an empty object', {}],
    ['a list', ['aws-nlb']],
    ['a String', new String('aws-nlb')],
    ['a date', new Date()],
    ['a timeout in text', { ...middleboxOf('aws-nlb'), timeoutMs: '350s' }],
    ['a timeout of 0', { ...middleboxOf('aws-nlb'), timeoutMs: 0 }],
    ['a timeout that never is over', { ...middleboxOf('aws-nlb'), timeoutMs: Number.POSITIVE_INFINITY }],
    ['no answer whether probes count', { ...middleboxOf('aws-nlb'), keepAliveCounts: undefined }],
  ])('is refused if it is %s', (_, given) => {
    const middlebox = given as unknown as Middlebox;
    expect(() => judgeBehind('30:5:3', middlebox)).toThrow(ConfigurationError);
    expect(() => recommendedIdle(middlebox)).toThrow(ConfigurationError);
  });
});

it('refuses a policy whose fields cannot be read', () => {
  const policy = {
    get enabled(): boolean {
      throw new Error('no');
    },
  };
  expect(() => judgeBehind(policy, 'aws-nlb')).toThrow(PolicyError);
});
