import { describe, expect, it } from 'vitest';
import { randomFrom } from '../../../test/random.js';
import { detectionTime } from '../model/detection-time.js';
import { falseAlarm } from '../model/false-alarm.js';
import { probesSent } from '../model/quiet-death.js';
import { kernelHz } from '../model/timer-wheel.js';
import { parsePolicy } from '../parse.js';
import type { CompletePolicy } from '../policy.js';
import { judgeBehind } from './judge-behind.js';
import { planPolicy } from './plan-policy.js';
import type { Requirements } from './requirements.js';
import { policyWarnings } from './warnings.js';

const boxes = ['aws-nlb', 'azure-lb', 'linux-conntrack', '10s', '60s', '100s', 'aws-alb'];

/** Draws requirements, each of which is asked for in about every second draw. */
function draw(random: () => number): Requirements {
  const maybe = <T>(value: T) => (random() < 0.5 ? value : undefined);
  const between = (least: number, most: number) =>
    Math.round(Math.exp(Math.log(least) + random() * Math.log(most / least)));
  const box = boxes[Math.floor(random() * boxes.length)] as string;
  return {
    detectWithin: maybe(between(2000, 1_000_000)),
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

/** Returns what policy text violates, by the parts of the model that predict for users. */
function violationsOf(policy: string, required: Requirements): string[] {
  const numbers = parsePolicy(policy);
  const { loss = 0, burst, maxFalse = Number.POSITIVE_INFINITY, behind = [], connections = 1 } = required;
  const path = typeof burst === 'number' ? { loss, burstMs: burst } : { loss };
  const fewest = Math.min(...kernelHz.map((hz) => probesSent(numbers, hz).fewest));
  const packets = (2000 / numbers.idle) * connections;
  const mostPackets = (required.maxPacketsPerSecond ?? Number.POSITIVE_INFINITY) * (1 + 1e-12);
  const kept: Readonly<Record<string, boolean>> = {
    detectWithin: detectionTime(policy).latestMs <= ms(required.detectWithin, Number.POSITIVE_INFINITY),
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
        noticedMs: detectionTime(numbers).latestMs,
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
        /^idle \d+ s: with this interval and count, the longest with which a quiet peer is noticed within 45 s; a quiet peer is noticed after \d/,
      ),
      expect.stringMatching(
        /^interval \d+ s, count \d+: an outage of 1\d s is survived, 10 s was asked for; lost packets end a healthy connection once in [\d,]+ (days|years)$/,
      ),
      expect.stringMatching(/^user timeout \d+ s.*: with data in flight, a dead peer is noticed after \d/),
    ]);
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

  it('rounds no number that was asked for, and says which limit is not for data in flight', () => {
    const plan = planPolicy({ tolerate: '20ms', detectWithin: '4500ms' });
    expect(plan.best === null ? [] : plan.why).toEqual([
      expect.stringMatching(/within 4\.5 s;/),
      expect.stringMatching(/, 20 ms was asked for$/),
      expect.stringMatching(/after 4\.[67] s at the latest: the 4\.5 s are for a quiet peer$/),
    ]);
  });

  it('says which requirements contradict each other', () => {
    expect(planPolicy({ detectWithin: '5s', tolerate: '20s' })).toEqual({
      best: null,
      giveUp: ['detectWithin', 'tolerate'],
    });
    expect(planPolicy({ detectWithin: '30s', behind: ['aws-alb'] })).toEqual({ best: null, giveUp: ['behind'] });
    expect(planPolicy({ detectWithin: '5s', tolerate: '20s', behind: ['aws-alb'] })).toEqual({
      best: null,
      giveUp: [],
    });
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
