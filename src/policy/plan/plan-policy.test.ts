import { describe, expect, it } from 'vitest';
import { randomFrom } from '../../../test/random.js';
import { detectionTime } from '../model/detection-time.js';
import { falseAlarm } from '../model/false-alarm.js';
import { probesSent } from '../model/quiet-death.js';
import { kernelHz } from '../model/timer-wheel.js';
import { parsePolicy } from '../parse.js';
import type { CompletePolicy } from '../policy.js';
import { policyWarnings } from '../warnings/policy-warnings.js';
import { judgeBehind } from './judge-behind.js';
import { planPolicy } from './plan-policy.js';
import type { Requirements } from './requirements.js';

const boxes = ['aws-nlb', 'azure-lb', 'linux-conntrack', '10s', '60s', '100s', 'aws-alb'];

/** Draws requirements, each of which is asked for in about every second draw. */
function draw(random: () => number): Requirements {
  const maybe = <T>(value: T) => (random() < 0.5 ? value : undefined);
  const between = (least: number, most: number) =>
    Math.round(Math.exp(Math.log(least) + random() * Math.log(most / least)));
  const box = boxes[Math.floor(random() * boxes.length)] as string;
  return {
    detectWithin: maybe(between(2000, 3_000_000)),
    tolerate: maybe(between(500, 60_000)),
    behind: maybe([box]),
    loss: maybe(random() * 0.3),
    burst: maybe(between(100, 30_000)),
    maxFalse: maybe(10 ** -(1 + random() * 8)),
    connections: maybe(between(1, 1_000_000)),
    maxPacketsPerSecond: maybe(between(1, 100_000)),
  };
}

const ms = (value: unknown, unstated: number) => (typeof value === 'number' ? value : unstated);

const noticedMs = (policy: string | CompletePolicy) =>
  Math.max(detectionTime(policy).latestMs, detectionTime(policy, 'data-in-flight').latestMs);

/** Returns what policy text violates, by the parts of the model that predict for users. */
function violationsOf(policy: string, required: Requirements): string[] {
  const numbers = parsePolicy(policy);
  const { loss = 0, burst, maxFalse = Number.POSITIVE_INFINITY, behind = [], connections = 1 } = required;
  const path = typeof burst === 'number' ? { loss, burstMs: burst } : { loss };
  const fewest = Math.min(...kernelHz.map((hz) => probesSent(numbers, hz).fewest));
  const packets = (2000 / numbers.idle) * connections;
  const mostPackets = (required.maxPacketsPerSecond ?? Number.POSITIVE_INFINITY) * (1 + 1e-12);
  const kept: Readonly<Record<string, boolean>> = {
    detectWithin: noticedMs(policy) <= ms(required.detectWithin, Number.POSITIVE_INFINITY),
    soonerThanRetries:
      detectionTime(policy, 'data-in-flight').latestMs <= detectionTime('1:1:1:0', 'data-in-flight').latestMs,
    behind: behind.every((box) => judgeBehind(policy, box).outcome === 'safe'),
    tolerate: (fewest - 1) * numbers.interval >= ms(required.tolerate, 1),
    maxFalse: falseAlarm(numbers, path).perDay <= maxFalse,
    maxPacketsPerSecond: packets <= mostPackets,
    repeats: !policyWarnings(numbers).some(({ code }) => code === 'user-timeout-allows-one-probe'),
  };
  return Object.keys(kept).flatMap((name) => (kept[name] ? [] : `${policy}: ${name}`));
}

/** A policy, and what it comes to by the model. */
interface Entry {
  readonly numbers: CompletePolicy;
  readonly quietMs: number;
  readonly noticedMs: number;
  readonly repeatedMs: number;
  readonly fewest: number;
}

/** Policies in whole seconds, the least traffic first. With a user timeout, the kernel ignores the count. */
const grid: readonly Entry[] = range(1, 24)
  .flatMap((idle) => range(1, 8).map((interval) => ({ idle: idle * 1000, interval: interval * 1000 })))
  .flatMap(({ idle, interval }) =>
    range(1, 40).map((seconds) => {
      const numbers = { idle, interval, count: 3, userTimeout: idle + seconds * 1000 };
      return {
        numbers,
        quietMs: Math.max(idle, interval),
        noticedMs: noticedMs(numbers),
        repeatedMs: judgeBehind(numbers, '1h').latestRepeatMs,
        fewest: Math.min(...kernelHz.map((hz) => probesSent(numbers, hz).fewest)),
      };
    }),
  )
  .filter(({ fewest }) => fewest >= 2 && fewest <= 12)
  .sort((a, b) => b.quietMs - a.quietMs);

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

/** Draws requirements that policies of the grid can meet, or nearly. */
function drawSmall(random: () => number) {
  const maybe = <T>(value: T) => (random() < 0.5 ? value : undefined);
  const behind = maybe([`${3 + Math.round(random() * 15)}s`]);
  // One of both bounds the idle time.
  const isLimited = behind === undefined || random() < 0.7;
  return {
    behind,
    detectWithin: isLimited ? 1000 + Math.round(random() * 20_000) : undefined,
    tolerate: maybe(1 + Math.round(random() * 12_000)),
    loss: random() * 0.4,
    burst: maybe(100 + Math.round(random() * 10_000)),
    maxFalse: maybe(10 ** (2 - random() * 8)),
    maxPacketsPerSecond: maybe(0.1 + random()),
  };
}

function isMetBy({ numbers, quietMs, noticedMs, repeatedMs, fewest }: Entry, required: ReturnType<typeof drawSmall>) {
  const { detectWithin = Number.POSITIVE_INFINITY, tolerate = 0, behind = [], loss, burst } = required;
  const { maxFalse, maxPacketsPerSecond = 2 } = required;
  const isInTime = noticedMs <= detectWithin && behind.every((box) => repeatedMs < Number.parseInt(box, 10) * 1000);
  const isEnough = (fewest - 1) * numbers.interval >= tolerate && 2000 / quietMs <= maxPacketsPerSecond;
  const path = burst === undefined ? { loss } : { loss, burstMs: burst };
  return isInTime && isEnough && (maxFalse === undefined || falseAlarm(numbers, path).perDay <= maxFalse);
}

/** Expects that without each of these requirements there is a policy. */
function expectInTheWay(names: readonly string[], required: Requirements): void {
  for (const name of names) expect(planPolicy({ ...required, [name]: undefined }).best).not.toBeNull();
}

describe('planPolicy', () => {
  it('violates none of 10,000 drawn requirements, in the best policy and the alternatives', () => {
    const random = randomFrom(13);
    const drawn = Array.from({ length: 10_000 }, () => draw(random));
    const met = drawn.filter((required, index) => {
      const plan = planPolicy(required);
      if (plan.best === null) expectInTheWay(index % 10 === 0 ? plan.giveUp : [], required);
      else {
        const policies = [plan.best, ...plan.alternatives].map(({ policy }) => policy);
        expect(policies.flatMap((policy) => violationsOf(policy, required))).toEqual([]);
      }
      return plan.best !== null;
    }).length;
    expect(met).toBeGreaterThan(3000);
    expect(met).toBeLessThan(9500);
  }, 300_000);

  it('finds a policy where a grid of policies has one, and none of them has less traffic', () => {
    const random = randomFrom(29);
    let impossible = 0;
    for (let drawn = 0; drawn < 1000; drawn += 1) {
      const required = drawSmall(random);
      const cheapest = grid.find((entry) => isMetBy(entry, required));
      const { best } = planPolicy(required);
      const quietMs = best === null ? 0 : best.numbers.idle;
      if (cheapest !== undefined)
        expect(quietMs, JSON.stringify([required, cheapest])).toBeGreaterThanOrEqual(cheapest.quietMs);
      if (cheapest === undefined) impossible += 1;
    }
    expect(impossible).toBeGreaterThan(100);
    expect(impossible).toBeLessThan(900);
  });

  it('wakes up the radio on a battery no more often than without the requirement', () => {
    const random = randomFrom(31);
    let fewer = 0;
    for (let drawn = 0; drawn < 500; drawn += 1) {
      const required = { ...draw(random), loss: random() * 0.3, tolerate: 20_000 + random() * 200_000 };
      const [sparing, plain] = [true, false].map((battery) => planPolicy({ ...required, battery }).best);
      expect(sparing === null).toBe(plain === null);
      if (!sparing || !plain) continue;
      expect(sparing.wakeUpsPerDay).toBeLessThanOrEqual(plain.wakeUpsPerDay);
      if (sparing.wakeUpsPerDay < plain.wakeUpsPerDay) fewer += 1;
    }
    expect(fewer).toBeGreaterThan(0);
  });

  it('gives each number a reason', () => {
    const plan = planPolicy({ detectWithin: '45s', behind: ['azure-lb'], tolerate: '10s', loss: 0.05 });
    expect(plan.best === null ? [] : plan.why).toEqual([
      expect.stringMatching(
        /^idle \d+ s: with this interval and count, the longest with which a lost peer is noticed within 45 s; a quiet peer is noticed after \d/,
      ),
      expect.stringMatching(
        /^interval \d+ s, count \d+: an outage of 1\d s is survived, 10 s was asked for; lost packets end a healthy connection [\d.]+ times a day$/,
      ),
      expect.stringMatching(
        /^user timeout \d+ s.*; with data in flight, a lost peer is noticed after \d.*; a peer that is alive but reads nothing/,
      ),
    ]);
  });

  it('leaves the user timeout out where tcp_retries2 notices data in flight sooner', () => {
    const plan = planPolicy({ battery: true });
    expect(plan.best?.policy).toBe('7200:1:12');
    expect(plan.best?.toleratesMs).toBe(11_000);
    expect(plan.why[2]).toMatch(
      /^no user timeout: one that lets all probes leave, 8086 s, would .*after 1019\.4 s at the latest \(tcp_retries2 = 15\)$/,
    );
    expect(planPolicy({ detectWithin: '15m' }).best?.numbers.userTimeout).toBeLessThan(900_000);
    expect(planPolicy({ detectWithin: '17m' }).best?.numbers.userTimeout).toBeUndefined();
  });

  it('says how the user timeout comes about', () => {
    const reasonOf = (requirements: Requirements) => planPolicy(requirements).why[2];
    expect(reasonOf({ behind: ['azure-lb'], tolerate: '60s' })).toMatch(
      /^user timeout \d+ s, not \d+ s \(auto\): late timers can delay the last probe to [\d.]+ s; /,
    );
    expect(reasonOf({ detectWithin: '15s', tolerate: '3s' })).toMatch(/^user timeout 13 s \(auto\); /);
    expect(reasonOf({ detectWithin: '10s', tolerate: '2s' })).toMatch(
      /^user timeout 8 s, not 9 s \(auto\): that would notice data in flight after 10\.2 s at the latest; /,
    );
  });

  it.each<[Requirements, RegExp]>([
    [{ detectWithin: '44.96s', behind: ['azure-lb'] }, /is noticed within 44\.96 s; [^,]+$/],
    [
      { detectWithin: '20m', behind: ['azure-lb'] },
      /longest with which two probes leave within the 240 s of azure-lb;/,
    ],
    [{ behind: ['home-gateway', 'aws-nlb'] }, /leave within the 240 s \(from a secondary source\) of home-gateway;/],
    [{ behind: ['4m', 'azure-lb', 'azure-lb'] }, /leave within 240 s and the 240 s of azure-lb;/],
    [{ detectWithin: '9999h' }, /^idle 32767 s: the longest that the kernel takes;/],
    [{ tolerate: '20ms' }, /^idle 7200 s: nothing asks for a shorter one;/],
  ])('names what keeps the idle time of %j from being longer, and nothing else', (required, reason) => {
    const plan = planPolicy(required);
    expect(plan.best === null ? '' : plan.why[0]).toMatch(reason);
  });

  it('rounds no number that was asked for', () => {
    const plan = planPolicy({ tolerate: '20ms', detectWithin: '4700ms' });
    expect(plan.best === null ? [] : plan.why).toEqual([
      expect.stringMatching(/within 4\.7 s;/),
      expect.stringMatching(/, 20 ms was asked for$/),
      expect.stringMatching(/noticed after 4\.\d s at the latest;/),
    ]);
  });

  it('says which requirements contradict each other, and what to change', () => {
    const plan = planPolicy({ detectWithin: '5s', tolerate: '20s', behind: ['istio'] });
    expect(plan).toMatchObject({
      best: null,
      conflicts: [['behind'], ['detectWithin', 'tolerate']],
      giveUp: [],
      alternatives: [
        { giveUp: ['detectWithin', 'behind'], nearest: { detectWithin: 26_000, behind: null }, policy: '1:1:21:23' },
        { giveUp: ['tolerate', 'behind'], nearest: { tolerate: 2000, behind: null } },
      ],
    });
    expect(plan.why).toEqual([
      'no policy meets behind istio',
      'detectWithin 5s and tolerate 20s contradict each other',
      expect.stringMatching(/^Istio terminates TCP/),
    ]);
    expect(planPolicy({ behind: ['60s'], connections: 1_000_000, maxPacketsPerSecond: 1000 }).why).toEqual([
      'behind 60s and maxPacketsPerSecond 1000 for 1,000,000 connections contradict each other',
    ]);
    expect(planPolicy({ detectWithin: '5s', tolerate: '20s' })).toMatchObject({ giveUp: ['detectWithin', 'tolerate'] });
    expect(planPolicy({ detectWithin: '30s', behind: ['aws-alb'] })).toMatchObject({ best: null, giveUp: ['behind'] });
  });

  it.each<[Requirements, string]>([
    [{ detectWithn: '45s' } as never, 'detectWithin'],
    [{ detectWithin: 'soon' }, 'detectWithin must be a duration above 0'],
    [{ loss: 1 }, 'loss must be a share from 0 to less than 1'],
    [{ behind: ['aws-nbl'] }, 'did you mean "aws-nlb"'],
    [{ behind: 'aws-nlb' as never }, 'behind must be an array'],
    [{ behind: new Array(3) }, 'behind must be a middlebox'],
    [{ connections: 0.5 }, 'connections must be a whole number from 1'],
  ])('refuses %j', (required, message) => {
    expect(() => planPolicy(required)).toThrow(message);
  });
});
