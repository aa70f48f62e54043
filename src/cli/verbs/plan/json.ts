import { formatPolicy } from '../../../policy/format.js';
import type { Conflict } from '../../../policy/plan/find-ways-out.js';
import type { Proposal } from '../../../policy/plan/proposal.js';
import type { ReadRequirements } from '../../../policy/plan/requirements.js';
import { conflictContexts, conflictHeads } from './conflict-reasons.js';

/** Returns a proposal; the policy and its user timeout apart. Times are in milliseconds. */
function proposalJson({ policy, numbers, ...others }: Proposal) {
  const { idle, interval, count, userTimeout = 0 } = numbers;
  return { policy: formatPolicy({ idle, interval, count }), userTimeout, wholePolicy: policy, ...others };
}

/** Returns what `plan --json` prints for a plan. */
export function planJson(
  best: Proposal,
  why: readonly string[],
  alternatives: readonly Proposal[],
  { behind }: ReadRequirements,
) {
  return { ...proposalJson(best), why, behind, alternatives: alternatives.map(proposalJson) };
}

/** Returns what `plan --json` prints if no policy meets the needs. */
export function conflictJson(conflict: Conflict, required: ReadRequirements) {
  return {
    policy: null,
    userTimeout: null,
    why: [...conflictHeads(conflict, required), ...conflictContexts(conflict, required)],
    conflicts: conflict.conflicts,
    behind: required.behind,
    alternatives: conflict.waysOut.map(({ giveUp, nearest, proposal }) => ({
      giveUp,
      nearest,
      ...proposalJson(proposal),
    })),
  };
}
