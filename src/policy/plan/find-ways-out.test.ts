import { describe, expect, it } from 'vitest';
import { randomFrom } from '../../../test/random.js';
import { findProposals } from './find-proposals.js';
import { findWaysOut } from './find-ways-out.js';
import { type Requirement, type Requirements, readRequirements } from './requirements.js';

/** Draws requirements of which many contradict each other. */
function draw(random: () => number) {
  const conflicts = (least: number, most: number) => Math.round(least * (most / least) ** random());
  const box = ['azure-lb', '60s', '10s', 'aws-alb'][Math.floor(random() * 4)] as string;
  const all = {
    detectWithin: conflicts(1000, 100_000),
    tolerate: conflicts(1000, 100_000),
    behind: [box],
    maxFalse: 10 ** -(random() * 6),
    maxPacketsPerSecond: conflicts(1, 1000),
  };
  const stated = (Object.keys(all) as Requirement[]).filter(() => random() < 0.7);
  const path = { loss: random() * 0.4, connections: conflicts(1, 20_000) };
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

const plannedFor = (requirements: Requirements) => findProposals(readRequirements(requirements));

const every = ['detectWithin', 'tolerate', 'behind', 'maxFalse', 'maxPacketsPerSecond'] as const;

/** Returns all sets of some of the names. */
function setsOf(names: readonly Requirement[]): Requirement[][] {
  return Array.from({ length: 2 ** names.length }, (_, bits) => names.filter((_name, at) => (bits >> at) & 1));
}

const contains = (set: readonly Requirement[], part: readonly Requirement[]) =>
  part.every((name) => set.includes(name));

describe('findWaysOut', () => {
  const random = randomFrom(17);
  const impossible = Array.from({ length: 400 }, () => draw(random))
    .filter((requirements) => plannedFor(requirements).length === 0)
    .map((requirements) => ({ requirements, ...findWaysOut(readRequirements(requirements)) }));

  it('names all requirements that no policy meets together, none of them in vain', () => {
    expect(impossible.length).toBeGreaterThan(100);
    expect(impossible.some(({ conflicts }) => conflicts.length > 1)).toBe(true);
    for (const { requirements, conflicts } of impossible) {
      const stated = every.filter((name) => requirements[name] !== undefined);
      for (const set of setsOf(stated)) {
        const alone = changed(requirements, givenUp(stated.filter((name) => !set.includes(name))));
        const isContradiction = conflicts.some((names) => contains(set, names));
        expect(plannedFor(alone).length === 0, JSON.stringify([alone, set])).toBe(isContradiction);
      }
      for (const names of conflicts) expect(conflicts.filter((other) => contains(names, other))).toEqual([names]);
    }
  });

  it('has all ways out, and changes nothing in vain', () => {
    for (const { requirements, conflicts, waysOut } of impossible) {
      const stated = every.filter((name) => requirements[name] !== undefined);
      const ends = (set: readonly Requirement[]) =>
        conflicts.every((names) => names.some((name) => set.includes(name)));
      const ways = setsOf(stated).filter(
        (set) => ends(set) && set.every((name) => !ends(set.filter((n) => n !== name))),
      );
      expect(waysOut.map(({ giveUp }) => giveUp.join()).sort()).toEqual(ways.map((way) => way.join()).sort());
    }
  });

  it('finds the nearest values that can be met, and nothing nearer', () => {
    let values = 0;
    for (const { requirements, waysOut } of impossible) {
      for (const { giveUp, nearest, ...proposal } of waysOut) {
        const met = Object.fromEntries(
          giveUp.map((name) => [name, nearest[name] === null ? undefined : around[name](nearest[name] ?? 0).met]),
        );
        expect(plannedFor(changed(requirements, met))[0]).toEqual(proposal);
        for (const name of giveUp) {
          const value = nearest[name];
          if (typeof value !== 'number') continue;
          values += 1;
          const { nearer } = around[name](value);
          expect(plannedFor(changed(requirements, { ...met, [name]: nearer }))).toEqual([]);
        }
      }
    }
    expect(values).toBeGreaterThan(100);
  });
});
