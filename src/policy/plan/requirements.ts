import { assertKnownOptions, ConfigurationError } from '../configuration-error.js';
import { readMilliseconds } from '../duration.js';
import type { PathLoss } from '../model/false-alarm.js';
import type { Duration } from '../policy.js';
import type { Middlebox } from './middlebox.js';
import { readMiddlebox } from './middleboxes.js';

/** What a policy must reach. What is left out is not asked for. */
export interface Requirements {
  /** A peer that vanishes while nothing is in flight is noticed within this time, timer lateness included. */
  readonly detectWithin?: Duration | undefined;
  /** A quiet, healthy connection survives an outage of the path that lasts as long as this. */
  readonly tolerate?: Duration | undefined;
  /** Middleboxes that must not forget a quiet connection, by name or idle timeout. */
  readonly behind?: readonly (string | number)[] | undefined;
  /** The share of the packets that the path loses, 0 to less than 1. Default: 0. */
  readonly loss?: number | undefined;
  /** The mean length of an outage, if packets are lost in outages. Default: each is lost by itself. */
  readonly burst?: Duration | undefined;
  /** How often a day a healthy, quiet connection may be ended by mistake, at the most: 1e-6 is once in a million days. */
  readonly maxFalse?: number | undefined;
  /** The most packets of keepalive a second, of all connections. */
  readonly maxPacketsPerSecond?: number | undefined;
  /** How many connections there are. Default: 1. */
  readonly connections?: number | undefined;
  /**
   * Whether a device is on a battery, whose radio each probe wakes up. The plan is then the policy with the fewest wake-ups: a repeat
   * within 10 s of a probe finds the radio on. Default: false.
   */
  readonly battery?: boolean | undefined;
}

/** The name of a requirement that a policy can violate. */
export type Requirement = 'detectWithin' | 'tolerate' | 'behind' | 'maxFalse' | 'maxPacketsPerSecond';

/** Requirements in numbers: what was left out is a number that each policy meets. */
export interface ReadRequirements {
  readonly detectWithinMs: number;
  readonly tolerateMs: number;
  readonly behind: readonly Middlebox[];
  readonly path: PathLoss;
  readonly maxFalse: number;
  readonly maxPacketsPerSecond: number;
  readonly connections: number;
  readonly isOnBattery: boolean;
}

/** The requirements that can be given up, as numbers that each policy meets. */
const met: { readonly [name in Requirement]: Partial<ReadRequirements> } = {
  detectWithin: { detectWithinMs: Number.POSITIVE_INFINITY },
  tolerate: { tolerateMs: 0 },
  behind: { behind: [] },
  maxFalse: { maxFalse: Number.POSITIVE_INFINITY },
  maxPacketsPerSecond: { maxPacketsPerSecond: Number.POSITIVE_INFINITY },
};

/** Returns requirements without some of them. */
export function withoutRequirements(required: ReadRequirements, names: readonly Requirement[]): ReadRequirements {
  return Object.assign({}, required, ...names.map((name) => met[name]));
}

/** Returns the names of what is required. */
export function statedNames(required: ReadRequirements): Requirement[] {
  const { detectWithinMs, tolerateMs, behind, maxFalse, maxPacketsPerSecond } = required;
  const isStated: Readonly<Record<Requirement, boolean>> = {
    detectWithin: Number.isFinite(detectWithinMs),
    tolerate: tolerateMs > 0,
    behind: behind.length > 0,
    maxFalse: Number.isFinite(maxFalse),
    maxPacketsPerSecond: Number.isFinite(maxPacketsPerSecond),
  };
  return (Object.keys(isStated) as Requirement[]).filter((name) => isStated[name]);
}

const source = 'planPolicy';

const names = [
  ...['detectWithin', 'tolerate', 'behind', 'loss', 'burst'],
  ...['maxFalse', 'maxPacketsPerSecond', 'connections', 'battery'],
];

interface NumberRange {
  readonly unstated: number;
  readonly allowed: string;
  isAllowed(given: number): boolean;
}

const share: NumberRange = {
  unstated: 0,
  allowed: 'a share from 0 to less than 1, such as 0.05',
  isAllowed: (given) => given >= 0 && given < 1,
};
const bound: NumberRange = {
  unstated: Number.POSITIVE_INFINITY,
  allowed: 'a number above 0',
  isAllowed: (given) => given > 0,
};
const amount: NumberRange = {
  unstated: 1,
  allowed: 'a whole number from 1',
  isAllowed: (given) => Number.isSafeInteger(given) && given > 0,
};

function readNumber(field: string, given: unknown, { unstated, allowed, isAllowed }: NumberRange): number {
  if (given === undefined) return unstated;
  if (typeof given === 'number' && isAllowed(given)) return given;
  throw new ConfigurationError(source, field, given, allowed);
}

function readTime(field: string, given: unknown, unstated: number): number {
  if (given === undefined) return unstated;
  const ms = readMilliseconds(given);
  if (ms !== undefined && ms > 0) return ms;
  throw new ConfigurationError(source, field, given, "a duration above 0 such as 45000 or '45s'");
}

/** Reads each middlebox once. A hole of the array is no middlebox. */
function readMiddleboxes(given: readonly unknown[]): Middlebox[] {
  const boxes = Array.from(given, (box) => readMiddlebox(box, source, 'behind'));
  return [...new Map(boxes.map((box) => [box.name, box])).values()];
}

/** @throws {ConfigurationError} if a requirement has no such name or value, or there is no such middlebox. */
export function readRequirements(requirements: Requirements): ReadRequirements {
  assertKnownOptions(source, requirements, names);
  const { detectWithin, tolerate, behind = [], loss, burst, battery = false } = requirements;
  const { maxFalse, maxPacketsPerSecond, connections } = requirements;
  if (typeof battery !== 'boolean') throw new ConfigurationError(source, 'battery', battery, 'true or false');
  if (!Array.isArray(behind)) throw new ConfigurationError(source, 'behind', behind, 'an array of middleboxes');
  const path = { loss: readNumber('loss', loss, share) };
  return {
    detectWithinMs: readTime('detectWithin', detectWithin, Number.POSITIVE_INFINITY),
    tolerateMs: readTime('tolerate', tolerate, 0),
    behind: readMiddleboxes(behind),
    path: burst === undefined ? path : { ...path, burstMs: readTime('burst', burst, 0) },
    maxFalse: readNumber('maxFalse', maxFalse, bound),
    maxPacketsPerSecond: readNumber('maxPacketsPerSecond', maxPacketsPerSecond, bound),
    connections: readNumber('connections', connections, amount),
    isOnBattery: battery,
  };
}
