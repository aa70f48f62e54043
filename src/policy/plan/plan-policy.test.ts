import { describe, expect, it } from 'vitest';
import { randomFrom } from '../../../test/random.js';
import { detectionTime } from '../model/detection-time.js';
import { falseAlarm } from '../model/false-alarm.js';
import { probesSent } from '../model/quiet-death.js';
import { kernelHz } from '../model/timer-wheel.js';
import { parsePolicy } from '../parse.js';
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

/** Expects that policy text keeps what was asked for, by the parts of the model that predict for users. */
function expectMet(policy: string, required: Requirements): void {
  const numbers = parsePolicy(policy);
  expect(detectionTime(policy).latestMs).toBeLessThanOrEqual(ms(required.detectWithin, Number.POSITIVE_INFINITY));
  for (const box of required.behind ?? []) expect(judgeBehind(policy, box).outcome).toBe('safe');
  const fewest = Math.min(...kernelHz.map((hz) => probesSent(numbers, hz).fewest));
  expect((fewest - 1) * numbers.interval).toBeGreaterThanOrEqual(ms(required.tolerate, 1));
  const { loss = 0, burst, maxFalse = Number.POSITIVE_INFINITY } = required;
  const path = typeof burst === 'number' ? { loss, burstMs: burst } : { loss };
  expect(falseAlarm(numbers, path).perDay).toBeLessThanOrEqual(maxFalse);
  const packets = (2000 / numbers.idle) * (required.connections ?? 1);
  expect(packets).toBeLessThanOrEqual((required.maxPacketsPerSecond ?? Number.POSITIVE_INFINITY) * (1 + 1e-12));
  expect(policyWarnings(numbers).map(({ code }) => code)).not.toContain('user-timeout-allows-one-probe');
}

/** Expects that without each of these requirements there is a policy. */
function expectInTheWay(names: readonly string[], required: Requirements): void {
  for (const name of names) expect(planPolicy({ ...required, [name]: undefined }).best).not.toBeNull();
}

describe('planPolicy', () => {
  it('violates none of 2,000 drawn requirements, in the best policy and the alternatives', () => {
    const random = randomFrom(13);
    const drawn = Array.from({ length: 2000 }, () => draw(random));
    const met = drawn.filter((required, index) => {
      const plan = planPolicy(required);
      if (plan.best === null) expectInTheWay(index % 10 === 0 ? plan.giveUp : [], required);
      else for (const { policy } of [plan.best, ...plan.alternatives]) expectMet(policy, required);
      return plan.best !== null;
    }).length;
    expect(met).toBeGreaterThan(600);
    expect(met).toBeLessThan(1900);
  }, 300_000);

  it('gives each number a reason', () => {
    const plan = planPolicy({ detectWithin: '45s', behind: ['azure-lb'], tolerate: '10s', loss: 0.05 });
    expect(plan.best === null ? [] : plan.why).toEqual([
      expect.stringMatching(
        /^idle \d+ s: the longest with which a quiet peer is noticed within 45 s and two probes leave within/,
      ),
      expect.stringMatching(
        /^interval \d+ s, count \d+: an outage of 1\d s is survived, 10 s was asked for; .* a day and connection$/,
      ),
      expect.stringMatching(/^user timeout \d+ s.*: with data in flight, a dead peer is noticed after \d/),
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
    [{ connections: 0.5 }, 'connections must be a whole number from 1'],
  ])('refuses %j', (required, message) => {
    expect(() => planPolicy(required)).toThrow(message);
  });
});
