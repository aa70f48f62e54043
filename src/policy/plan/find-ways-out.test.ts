import { describe, expect, it } from 'vitest';
import { randomFrom } from '../../../test/random.js';
import { findWaysOut } from './find-ways-out.js';
import { planPolicy } from './plan-policy.js';
import { type Requirement, type Requirements, readRequirements } from './requirements.js';

/** Draws requirements of which many contradict each other. */
function draw(random: () => number) {
  const between = (least: number, most: number) => Math.round(least * (most / least) ** random());
  const box = ['azure-lb', '60s', '10s', 'aws-alb'][Math.floor(random() * 4)] as string;
  const all = {
    detectWithin: between(1000, 100_000),
    tolerate: between(1000, 100_000),
    behind: [box],
    maxFalse: 10 ** -(random() * 6),
    maxPacketsPerSecond: between(1, 1000),
  };
  const stated = (Object.keys(all) as Requirement[]).filter(() => random() < 0.7);
  const path = { loss: random() * 0.4, connections: between(1, 20_000) };
  return { ...Object.fromEntries(stated.map((name) => [name, all[name]])), ...path } as Requirements;
}

/** Returns requirements with other values of some; undefined gives one up. */
const changed = (requirements: Requirements, values: Partial<Record<Requirement, unknown>>) =>
  ({ ...requirements, ...values }) as Requirements;

const givenUp = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, undefined]));

/** A value of a requirement, and one that asks for a little more. Each draw has one middlebox. */
const around: Readonly<Record<Requirement, (value: number) => { readonly met: unknown; readonly nearer: unknown }>> = {
  detectWithin: (value) => ({ met: value, nearer: Math.max(1, value - 1000) }),
  tolerate: (value) => ({ met: value, nearer: value + 1000 }),
  behind: (value) => ({ met: [value], nearer: [value - 1000] }),
  maxFalse: (value) => ({ met: value, nearer: value * 0.9 }),
  maxPacketsPerSecond: (value) => ({ met: value, nearer: Math.max(value - 1, 1e-9) }),
};

describe('findWaysOut', () => {
  const random = randomFrom(17);
  const conflicts = Array.from({ length: 400 }, () => draw(random))
    .filter((requirements) => planPolicy(requirements).best === null)
    .map((requirements) => ({ requirements, ...findWaysOut(readRequirements(requirements)) }));

  it('names requirements that no policy meets together, none of them in vain', () => {
    expect(conflicts.length).toBeGreaterThan(100);
    const sets = conflicts.flatMap(({ requirements, conflicts: sets }) =>
      sets.map((names) => ({ requirements, names })),
    );
    expect(sets.length).toBeGreaterThan(conflicts.length);
    for (const { requirements, names: between } of sets) {
      const others = (['detectWithin', 'tolerate', 'behind', 'maxFalse', 'maxPacketsPerSecond'] as const).filter(
        (name) => !between.includes(name),
      );
      const alone = changed(requirements, givenUp(others));
      expect(planPolicy(alone).best).toBeNull();
      for (const name of between) expect(planPolicy(changed(alone, { [name]: undefined })).best).not.toBeNull();
    }
  });

  it('leaves no conflict unnamed: without the requirements of all sets there is a policy', () => {
    for (const { requirements, conflicts: sets } of conflicts) {
      expect(planPolicy(changed(requirements, givenUp(sets.flat()))).best).not.toBeNull();
      expect(new Set(sets.flat()).size).toBe(sets.flat().length);
    }
  });

  it('finds the nearest values that can be met, and nothing nearer', () => {
    const found = conflicts.flatMap(({ requirements, waysOut }) => waysOut.map((way) => ({ requirements, ...way })));
    const nearest = found.filter((way) => way.nearest !== null);
    expect(nearest.length).toBeGreaterThan(100);
    for (const { requirements, giveUp, nearest: value, proposal } of nearest) {
      const [name] = giveUp as [Requirement];
      const { met, nearer } = around[name](value ?? 0);
      expect(planPolicy(changed(requirements, { [name]: met })).best).toEqual(proposal);
      expect(planPolicy(changed(requirements, { [name]: nearer })).best).toBeNull();
    }
  });

  it('plans without what has to be given up', () => {
    for (const { requirements, waysOut } of conflicts) {
      expect(waysOut.length).toBeGreaterThan(0);
      for (const { giveUp, proposal } of waysOut.filter(({ nearest }) => nearest === null)) {
        expect(planPolicy(changed(requirements, givenUp(giveUp))).best).toEqual(proposal);
      }
    }
  });
});
