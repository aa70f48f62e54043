import type { Middlebox } from '../../../policy/plan/middlebox.js';
import type { ReadRequirements, Requirement, Requirements } from '../../../policy/plan/requirements.js';
import { optionFlag } from '../../shared/option-flag.js';

/** What a policy must reach, as commander reads it. Times are in milliseconds. */
export interface Needs {
  readonly detectWithin?: number;
  readonly behind?: readonly Middlebox[];
  readonly tolerate?: number;
  readonly loss?: number;
  readonly burst?: number;
  readonly maxFalse?: number;
  readonly maxPacketsPerSecond?: number;
  readonly connections?: number;
  readonly battery?: true;
}

/** Returns needs as the requirements of a plan. */
export function requirementsOf({ behind, ...others }: Needs): Requirements {
  return { ...others, behind: behind?.map(({ name }) => name) };
}

/** Formats milliseconds as an option takes them: `45s`, `20m`, `500ms`. */
function optionDuration(ms: number): string {
  if (ms >= 3_600_000 && ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  if (ms >= 600_000 && ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

const values: { readonly [name in Requirement]: (required: ReadRequirements) => string } = {
  detectWithin: ({ detectWithinMs }) => optionDuration(detectWithinMs),
  tolerate: ({ tolerateMs }) => optionDuration(tolerateMs),
  behind: ({ behind }) => behind.map(({ name }) => name).join(','),
  maxFalse: ({ maxFalse }) => `${maxFalse}`,
  maxPacketsPerSecond: ({ maxPacketsPerSecond }) => `${maxPacketsPerSecond}`,
};

/** Returns the option that states a requirement: `--detect-within 45s`. */
export function optionText(name: Requirement, required: ReadRequirements): string {
  return `${optionFlag(name)} ${values[name](required)}`;
}

/** Returns the option with another value, in milliseconds for times. */
export function changedOption(name: Requirement, value: number): string {
  const isTime = name === 'detectWithin' || name === 'tolerate' || name === 'behind';
  return `${optionFlag(name)} ${isTime ? optionDuration(value) : value}`;
}
