import { canMeet, certainTimeoutMs, leastTimeoutMs } from './find-policies.js';
import { findProposals } from './find-proposals.js';
import type { WayOut } from './proposal.js';
import { type ReadRequirements, type Requirement, statedNames, withoutRequirements } from './requirements.js';

/** Why no policy meets requirements, and what to change. */
export interface Conflict {
  readonly conflicts: readonly (readonly Requirement[])[];
  readonly waysOut: readonly WayOut[];
}

/** The values of a requirement by whole numbers: the greater the number, the less is required. */
interface Scale {
  readonly strictest: number;
  readonly laxest: number;
  valueAt(step: number): number;
  relaxed(value: number): Partial<ReadRequirements>;
}

const second = 1000;

/** A number with two digits is one of ninety between two powers of ten. */
const mantissas = 90;
const twoDigits = (step: number) => {
  const power = Math.floor(step / mantissas);
  return Number(`${10 + step - power * mantissas}e${power - 1}`);
};

const scales: { readonly [name in Requirement]: (required: ReadRequirements) => Scale | undefined } = {
  detectWithin: ({ detectWithinMs }) => ({
    strictest: Math.ceil(detectWithinMs / second),
    laxest: 5_000_000,
    valueAt: (step) => step * second,
    relaxed: (value) => ({ detectWithinMs: value }),
  }),
  tolerate: ({ tolerateMs }) => ({
    strictest: -Math.floor(tolerateMs / second),
    laxest: -1,
    valueAt: (step) => -step * second,
    relaxed: (value) => ({ tolerateMs: value }),
  }),
  behind: ({ behind }) => {
    const leastMs = leastTimeoutMs(behind);
    if (leastMs === 0) return undefined;
    return {
      strictest: Math.ceil(leastMs / second),
      laxest: 100_000,
      valueAt: (step) => step * second,
      relaxed: (value) => ({
        behind: behind.map((box) => ({ ...box, timeoutMs: Math.max(value, certainTimeoutMs(box)) })),
      }),
    };
  },
  maxFalse: ({ maxFalse }) => ({
    strictest: Math.floor(Math.log10(maxFalse)) * mantissas,
    laxest: 6 * mantissas,
    valueAt: twoDigits,
    relaxed: (value) => ({ maxFalse: value }),
  }),
  maxPacketsPerSecond: ({ maxPacketsPerSecond, connections }) => ({
    strictest: Math.ceil(maxPacketsPerSecond),
    laxest: 2 * connections,
    valueAt: (step) => step,
    relaxed: (value) => ({ maxPacketsPerSecond: value }),
  }),
};

/** Returns the strictest value of a requirement with which a policy meets it and the others. */
function nearestValue(scale: Scale, required: ReadRequirements): number | undefined {
  const isMet = (step: number) => canMeet({ ...required, ...scale.relaxed(scale.valueAt(step)) });
  let { strictest: least, laxest: most } = scale;
  if (least > most || !isMet(most)) return undefined;
  while (least < most) {
    const middle = Math.floor((least + most) / 2);
    if (isMet(middle)) most = middle;
    else least = middle + 1;
  }
  return scale.valueAt(most);
}

/** Relaxes each requirement of a way out to its nearest value, the first to the strictest that is possible, and plans. */
function wayOutOf(giveUp: readonly Requirement[], required: ReadRequirements): WayOut | undefined {
  const nearest: { [name in Requirement]?: number | null } = {};
  let relaxed = withoutRequirements(required, giveUp);
  for (const name of giveUp) {
    const scale = scales[name](required);
    const value = scale && nearestValue(scale, relaxed);
    if (scale !== undefined && value !== undefined) relaxed = { ...relaxed, ...scale.relaxed(value) };
    nearest[name] = value ?? null;
  }
  const [proposal] = findProposals(relaxed);
  return proposal && { giveUp, nearest, ...proposal };
}

/** Returns all sets of some of the names, the smallest first. */
function setsOf(names: readonly Requirement[]): Requirement[][] {
  const sets: Requirement[][] = [[]];
  for (const name of names) sets.push(...sets.map((set) => [...set, name]));
  return sets.sort((a, b) => a.length - b.length);
}

/** Returns the sets for which a condition holds, without those that contain another one. */
function smallest(sets: readonly Requirement[][], holds: (set: Requirement[]) => boolean): Requirement[][] {
  const found: Requirement[][] = [];
  for (const set of sets) {
    const hasFound = found.some((smaller) => smaller.every((name) => set.includes(name)));
    if (!hasFound && holds(set)) found.push(set);
  }
  return found;
}

/** Finds which requirements contradict each other, and what to change. Needs requirements that no policy meets. */
export function findWaysOut(required: ReadRequirements): Conflict {
  const stated = statedNames(required);
  const sets = setsOf(stated);
  const without = (set: Requirement[]) => stated.filter((name) => !set.includes(name));
  const conflicts = smallest(sets, (set) => !canMeet(withoutRequirements(required, without(set))));
  // What is left can be met if nothing that contradicts itself is left whole.
  const ways = smallest(sets, (set) => conflicts.every((names) => names.some((name) => set.includes(name))));
  return { conflicts, waysOut: ways.flatMap((giveUp) => wayOutOf(giveUp, required) ?? []) };
}
