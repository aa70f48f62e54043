import type { BehindExplanation, Explanation } from './explanation.js';

function behindJson({
  middlebox,
  outcome,
  firstProbe,
  marginMs,
  recommendedIdleMs,
  noticed,
}: BehindExplanation): object {
  const { name, timeoutMs, onExpiry, keepAliveCounts, sure, source } = middlebox;
  const facts = { name, timeoutMs, onExpiry, keepAliveCounts, sure, source };
  return {
    ...facts,
    outcome,
    latestFirstProbeMs: firstProbe.latestMs,
    marginMs,
    recommendedIdleMs: recommendedIdleMs ?? null,
    noticed,
  };
}

/** Returns an explanation as the JSON of `explain --json`. */
export function toJson(explanation: Explanation): object {
  return { ...explanation, behind: explanation.behind.map(behindJson) };
}
