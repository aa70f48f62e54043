import type { Middlebox } from '../../../policy/plan/middlebox.js';
import type { Requirements } from '../../../policy/plan/requirements.js';

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
