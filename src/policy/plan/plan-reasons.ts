import { roundedSeconds } from '../duration.js';
import { joinWithAnd } from '../join-with-and.js';
import { probeTime } from '../model/detection-time.js';
import type { TimeRange } from '../model/time-range.js';
import type { CompletePolicy } from '../policy.js';
import { howOften } from './how-often.js';
import type { Proposal } from './proposal.js';
import type { ReadRequirements } from './requirements.js';
import { autoUserTimeout, dataDetection, withShortestUserTimeout } from './user-timeout.js';

/** Says the latest moment of something, rounded up. */
const rounded = ({ latestMs }: TimeRange) => roundedSeconds(Math.ceil(latestMs / 100) * 100);

const latest = (range: TimeRange) => `${rounded(range)} at the latest`;

function idleReason({ detection, numbers }: Proposal, { detectWithinMs, behind }: ReadRequirements): string {
  const timeouts = behind.map(({ name, timeoutMs, sure }) => {
    const timeout = roundedSeconds(timeoutMs ?? 0);
    return sure === 'given' ? timeout : `the ${timeout} of ${name}`;
  });
  const limits = [
    ...(Number.isFinite(detectWithinMs) ? [`a lost peer is noticed within ${roundedSeconds(detectWithinMs)}`] : []),
    ...(timeouts.length > 0 ? [`two probes leave within ${joinWithAnd(timeouts)}`] : []),
  ];
  const why = limits.length === 0 ? 'nothing asks for a shorter one' : `the longest with which ${limits.join(' and ')}`;
  return `idle ${roundedSeconds(numbers.idle)}: ${why}; a quiet peer is noticed after ${latest(detection.idle)}`;
}

/** Returns how often a healthy connection is ended; nothing if no loss is stated and none is asked about. */
function mistakesReason({ falseAlarmsPerDay }: Proposal, { path, maxFalse }: ReadRequirements): string {
  const isAsked = Number.isFinite(maxFalse);
  if (path.loss === 0) return isAsked ? '; a path that loses nothing ends no healthy connection' : '';
  const often =
    falseAlarmsPerDay === 0 ? 'no healthy connection' : `a healthy connection ${howOften(falseAlarmsPerDay)}`;
  return `; lost packets end ${often}${isAsked ? `, ${howOften(maxFalse)} is allowed` : ''}`;
}

function probesReason(proposal: Proposal, required: ReadRequirements): string {
  const { numbers, toleratesMs } = proposal;
  const asked = required.tolerateMs > 0 ? `, ${roundedSeconds(required.tolerateMs)} was asked for` : '';
  return (
    `interval ${roundedSeconds(numbers.interval)}, count ${numbers.count}: ` +
    `an outage of ${roundedSeconds(toleratesMs)} is survived${asked}${mistakesReason(proposal, required)}`
  );
}

/** Returns why the user timeout is not `auto`; nothing if it is. */
function notAutoReason(numbers: CompletePolicy): string {
  const auto = autoUserTimeout(numbers);
  const { userTimeout = auto, count } = numbers;
  if (userTimeout === auto) return ' (auto)';
  const why =
    userTimeout > auto
      ? `late timers can delay the last probe to ${rounded(probeTime(numbers, count))}`
      : `that would notice data in flight after ${latest(dataDetection({ userTimeout: auto }))}`;
  return `, not ${roundedSeconds(auto)} (auto): ${why}`;
}

function userTimeoutReason({ numbers, detection }: Proposal): string {
  const inFlight = `with data in flight, a lost peer is noticed after ${latest(detection.inFlight)}`;
  if (numbers.userTimeout === undefined) {
    const { userTimeout: needed = 0 } = withShortestUserTimeout(numbers);
    return (
      `no user timeout: one that lets all probes leave, ${roundedSeconds(needed)}, would delay detection; ` +
      `${inFlight} (tcp_retries2 = 15)`
    );
  }
  return (
    `user timeout ${roundedSeconds(numbers.userTimeout)}${notAutoReason(numbers)}; ${inFlight}; ` +
    'a peer that is alive but reads nothing for that long loses the connection too'
  );
}

/** Returns why each number of a planned policy is what it is. */
export function planReasons(planned: Proposal, required: ReadRequirements): string[] {
  return [idleReason(planned, required), probesReason(planned, required), userTimeoutReason(planned)];
}
