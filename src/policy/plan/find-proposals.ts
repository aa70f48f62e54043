import { formatPolicy } from '../format.js';
import { idleDetection } from '../model/detection-time.js';
import { falseAlarm } from '../model/false-alarm.js';
import { probesOnKernels } from '../model/quiet-death.js';
import { radioWakeUps } from '../model/radio.js';
import { quietTraffic } from '../model/traffic.js';
import type { CompletePolicy } from '../policy.js';
import { findPolicies } from './find-policies.js';
import type { Proposal } from './proposal.js';
import type { ReadRequirements } from './requirements.js';
import { dataDetection, noticedMs } from './user-timeout.js';

/** Returns what a policy comes to. An outage is survived if it is over before the last probe that must go out. */
function proposalOf(numbers: CompletePolicy, { path, connections }: ReadRequirements): Proposal {
  return {
    policy: formatPolicy(numbers),
    numbers,
    detection: { idle: idleDetection(numbers), inFlight: dataDetection(numbers) },
    traffic: quietTraffic(numbers, connections),
    wakeUpsPerDay: radioWakeUps(numbers, path),
    falseAlarmsPerDay: falseAlarm(numbers, path).perDay,
    toleratesMs: (probesOnKernels(numbers).fewest - 1) * numbers.interval,
  };
}

/** Returns an order: what costs least first; of what costs the same, what survives the longer outage. */
function byCost({ isOnBattery }: ReadRequirements): (a: Proposal, b: Proposal) => number {
  const costOf = ({ traffic, wakeUpsPerDay }: Proposal) => (isOnBattery ? wakeUpsPerDay : traffic.packetsPerDay);
  return (a, b) => costOf(a) - costOf(b) || b.toleratesMs - a.toleratesMs;
}

/** A mistake that is rarer than this is no reason to choose another policy. */
const rarePerDay = 1e-9;

const mostAlternatives = 5;

/** Returns whether a proposal is notably better than another in something. */
function isNotable(proposal: Proposal, than: Proposal): boolean {
  const hasFewerProbes = proposal.numbers.count <= than.numbers.count / 1.5;
  return (
    (hasFewerProbes && proposal.toleratesMs >= than.toleratesMs / 1.5) ||
    proposal.toleratesMs >= than.toleratesMs * 1.5 ||
    Math.max(proposal.falseAlarmsPerDay, rarePerDay) < than.falseAlarmsPerDay / 10 ||
    noticedMs(proposal.numbers) <= noticedMs(than.numbers) / 1.5
  );
}

/**
 * Returns the policies that meet requirements: the one with the least traffic, or on a battery with the fewest wake-ups of the radio,
 * then at most five that are better by half in probes, outage or detection, or make a tenth of the mistakes.
 */
export function findProposals(required: ReadRequirements): Proposal[] {
  const found = findPolicies(required).map((numbers) => proposalOf(numbers, required));
  const chosen: Proposal[] = [];
  for (const proposal of found.sort(byCost(required))) {
    if (chosen.every((than) => isNotable(proposal, than))) chosen.push(proposal);
  }
  return chosen.slice(0, 1 + mostAlternatives);
}
