import { formatPolicy } from '../../../policy/format.js';
import type { Plan, Proposal } from '../../../policy/plan/proposal.js';

/** Returns a proposal; the policy and its user timeout apart. Times are in milliseconds. */
function proposalJson({ policy, numbers, ...others }: Proposal) {
  const { idle, interval, count, userTimeout = 0 } = numbers;
  return { policy: formatPolicy({ idle, interval, count }), userTimeout, wholePolicy: policy, ...others };
}

/** Returns what `plan --json` prints. */
export function planJson({ best, alternatives, ...others }: Plan) {
  const policy = best === null ? { policy: null, userTimeout: null } : proposalJson(best);
  return { ...policy, ...others, alternatives: alternatives.map(proposalJson) };
}
