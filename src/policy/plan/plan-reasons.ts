import { roundedSeconds } from '../duration.js';
import { joinWithAnd } from '../join-with-and.js';
import type { TimeRange } from '../model/time-range.js';
import { howOften } from './how-often.js';
import type { Proposal } from './proposal.js';
import type { ReadRequirements } from './requirements.js';

/** Says the latest moment of something, rounded up. */
const latest = ({ latestMs }: TimeRange) => `${roundedSeconds(Math.ceil(latestMs / 100) * 100)} at the latest`;

function idleReason({ detection, numbers }: Proposal, { detectWithinMs, behind }: ReadRequirements): string {
  const timeouts = behind.map(({ name, timeoutMs, sure }) => {
    const timeout = roundedSeconds(timeoutMs ?? 0);
    return sure === 'given' ? timeout : `the ${timeout} of ${name}`;
  });
  const limits = [
    ...(Number.isFinite(detectWithinMs) ? [`a quiet peer is noticed within ${roundedSeconds(detectWithinMs)}`] : []),
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

function userTimeoutReason({ numbers, detection }: Proposal): string {
  const { idle, interval, count, userTimeout = 0 } = numbers;
  const auto = idle + interval * count;
  const late = userTimeout === auto ? '' : ', longer than auto because the timer of idle can be late';
  return (
    `user timeout ${roundedSeconds(userTimeout)}${late}: ` +
    `with data in flight, a dead peer is noticed after ${latest(detection.inFlight)}`
  );
}

/** Returns why each number of a planned policy is what it is. */
export function planReasons(planned: Proposal, required: ReadRequirements): string[] {
  return [idleReason(planned, required), probesReason(planned, required), userTimeoutReason(planned)];
}
