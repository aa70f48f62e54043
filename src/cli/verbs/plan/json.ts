import { formatPolicy } from '../../../policy/format.js';
import type { Conflict } from '../../../policy/plan/find-ways-out.js';
import type { Proposal } from '../../../policy/plan/proposal.js';
import type { ReadRequirements } from '../../../policy/plan/requirements.js';
import { conflictReasons } from './conflict-reasons.js';

/** Returns a proposal; the policy and its user timeout apart. Times are in milliseconds. */
function proposalJson({ policy, numbers, ...others }: Proposal) {
  const { idle, interval, count, userTimeout = 0 } = numbers;
  return { policy: formatPolicy({ idle, interval, count }), userTimeout, wholePolicy: policy, ...others };
}

/** Returns what `plan --json` prints for a plan. */
export function planJson(best: Proposal, why: readonly string[], alternatives: readonly Proposal[]) {
  return { ...proposalJson(best), why, alternatives: alternatives.map(proposalJson) };
}

/** Returns what `plan --json` prints if no policy meets the needs. */
export function conflictJson(conflict: Conflict, required: ReadRequirements) {
  return {
    policy: null,
    userTimeout: null,
    why: conflictReasons(conflict, required),
    between: conflict.between,
    alternatives: conflict.waysOut.map(({ giveUp, nearest, proposal }) => ({
      giveUp,
      nearest,
      ...proposalJson(proposal),
    })),
  };
}
