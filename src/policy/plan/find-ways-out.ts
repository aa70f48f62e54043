import { canMeet, certainTimeoutMs, leastTimeoutMs } from './find-policies.js';
import { findProposals } from './find-proposals.js';
import type { Proposal } from './proposal.js';
import { type ReadRequirements, type Requirement, statedNames, withoutRequirements } from './requirements.js';

/** A change of requirements with which a policy meets them. */
export interface WayOut {
  /** The requirements that are relaxed, or given up. */
  readonly giveUp: readonly Requirement[];
  /**
   * The nearest value of the requirement that can be met with the others: in milliseconds for times, also for the idle timeout of
   * `behind`. `null` if it has to be given up.
   */
  readonly nearest: number | null;
  /** The policy with the least traffic then. */
  readonly proposal: Proposal;
}

/** Why no policy meets requirements. */
export interface Conflict {
  /** Sets of requirements that no policy meets together; each meets those of a set without any one of them. No two sets share one. */
  readonly conflicts: readonly (readonly Requirement[])[];
  /** The ways out that change the fewest requirements. */
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

function wayOutOf(giveUp: readonly Requirement[], required: ReadRequirements): WayOut | undefined {
  const [name] = giveUp;
  const scale = name !== undefined && giveUp.length === 1 ? scales[name](required) : undefined;
  const nearest = scale && nearestValue(scale, required);
  const relaxed =
    scale === undefined || nearest === undefined
      ? withoutRequirements(required, giveUp)
      : { ...required, ...scale.relaxed(nearest) };
  const [proposal] = findProposals(relaxed);
  return proposal && { giveUp, nearest: nearest ?? null, proposal };
}

/** Returns the sets of some of the names, each with `size` of them. */
function setsOf(names: readonly Requirement[], size: number): Requirement[][] {
  if (size === 0) return [[]];
  return names.flatMap((name, at) => setsOf(names.slice(at + 1), size - 1).map((others) => [name, ...others]));
}

/** Finds the sets of requirements that no policy meets together, none of them in vain. */
function findConflicts(required: ReadRequirements): Requirement[][] {
  const stated = statedNames(required);
  const canMeetOnly = (names: readonly Requirement[]) =>
    canMeet(
      withoutRequirements(
        required,
        stated.filter((name) => !names.includes(name)),
      ),
    );
  const found: Requirement[][] = [];
  let left = stated;
  while (!canMeetOnly(left)) {
    let between = left;
    for (const name of left) {
      const fewer = between.filter((other) => other !== name);
      if (!canMeetOnly(fewer)) between = fewer;
    }
    found.push(between);
    left = left.filter((name) => !between.includes(name));
  }
  return found;
}

/** Finds which requirements contradict each other, and what to change. Needs requirements that no policy meets. */
export function findWaysOut(required: ReadRequirements): Conflict {
  const stated = statedNames(required);
  const conflicts = findConflicts(required);
  for (let size = 1; size <= stated.length; size += 1) {
    const sets = setsOf(stated, size).filter((names) => canMeet(withoutRequirements(required, names)));
    if (sets.length > 0) return { conflicts, waysOut: sets.flatMap((names) => wayOutOf(names, required) ?? []) };
  }
  return { conflicts, waysOut: [] };
}
