import { conflictReasons } from './conflict-reasons.js';
import { findProposals } from './find-proposals.js';
import { findWaysOut } from './find-ways-out.js';
import { planReasons } from './plan-reasons.js';
import type { Plan } from './proposal.js';
import { type ReadRequirements, type Requirement, type Requirements, readRequirements } from './requirements.js';

/** Plans for requirements that are read. `labelOf` returns the name of a requirement as the reader knows it. */
export function planFor(required: ReadRequirements, labelOf?: (name: Requirement) => string): Plan {
  const { behind } = required;
  const [best, ...alternatives] = findProposals(required);
  if (best !== undefined) return { best, why: planReasons(best, required), behind, alternatives };
  const { conflicts, waysOut } = findWaysOut(required);
  return {
    best: null,
    why: conflictReasons(conflicts, required, labelOf),
    behind,
    conflicts,
    giveUp: waysOut.flatMap(({ giveUp }) => (giveUp.length === 1 ? giveUp : [])),
    alternatives: waysOut,
  };
}

/**
 * Plans the policy that meets requirements with the least traffic.
 *
 * Every number is checked against the model, with the timers that are worst for the requirement: detection with the latest,
 * outages and false alarms with those that leave the fewest probes. A lost probe is always repeated. There is a user timeout where it
 * makes detection with data in flight sooner than `tcp_retries2` does by default. More than 12 probes, or an idle time of more than 2 h
 * without `detectWithin`, are planned only if nothing else meets the requirements. If no policy meets all requirements, `best` is
 * `null`: `why` says which contradict each other, and `alternatives` what to change.
 *
 * @example
 * planPolicy({ detectWithin: '45s', behind: ['azure-lb'], tolerate: '10s' }).best?.policy;
 * @throws {ConfigurationError} if a requirement has no such name or value, or there is no such middlebox.
 */
export function planPolicy(requirements: Requirements): Plan {
  return planFor(readRequirements(requirements));
}
