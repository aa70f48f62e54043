import { canMeet } from './find-policies.js';
import { findProposals } from './find-proposals.js';
import { planReasons } from './plan-reasons.js';
import type { Plan } from './proposal.js';
import {
  type Requirement,
  type Requirements,
  readRequirements,
  statedNames,
  withoutRequirements,
} from './requirements.js';

/**
 * Plans the policy that meets requirements with the least traffic.
 *
 * Every number is checked against the model, with the timers that are worst for the requirement: detection with the latest,
 * outages and false alarms with those that leave the fewest probes. A lost probe is always repeated, and there is always a user
 * timeout. More than 12 probes, or an idle time of more than 2 h without `detectWithin`, are planned only if nothing else meets the
 * requirements. If no policy meets all requirements, the plan says which ones could be given up.
 *
 * @example
 * planPolicy({ detectWithin: '45s', behind: ['azure-lb'], tolerate: '10s' }).best?.policy;
 * @throws {ConfigurationError} if a requirement has no such name or value, or there is no such middlebox.
 */
export function planPolicy(requirements: Requirements): Plan {
  const required = readRequirements(requirements);
  const [best, ...alternatives] = findProposals(required);
  if (best !== undefined) return { best, why: planReasons(best, required), alternatives };
  const isWayOut = (name: Requirement) => canMeet(withoutRequirements(required, [name]));
  return { best: null, giveUp: statedNames(required).filter(isWayOut) };
}
