import { roundedSeconds, spokenDuration } from '../duration.js';
import { joinWithAnd } from '../join-with-and.js';
import { idleDetection, probeTime } from '../model/detection-time.js';
import type { TimeRange } from '../model/time-range.js';
import { type CompletePolicy, limits } from '../policy.js';
import { withUserTimeout } from './find-policies.js';
import { howOften } from './how-often.js';
import type { Proposal } from './proposal.js';
import type { ReadRequirements } from './requirements.js';
import { surenessMarks } from './sureness-marks.js';

/** Says a time that was asked for, not rounded: `44.96 s`, `20 ms`. */
const asked = (ms: number) => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`);

/** Says the latest moment of something, rounded up. */
const latest = ({ latestMs }: TimeRange) => `${roundedSeconds(Math.ceil(latestMs / 100) * 100)} at the latest`;

/** Returns what would not hold with a longer idle time, and the same interval and count. */
function limitsOfIdle({ idle, interval, count }: CompletePolicy, required: ReadRequirements): string[] {
  const { detectWithinMs, behind } = required;
  const longer = withUserTimeout(idle + limits.idle.step, interval, count);
  const repeatMs = probeTime(longer, 2).latestMs;
  const timeouts = behind
    .filter(({ timeoutMs }) => timeoutMs !== null && timeoutMs <= repeatMs)
    .map(({ name, timeoutMs, sure }) => {
      const timeout = `${asked(timeoutMs ?? 0)}${surenessMarks[sure]}`;
      return sure === 'given' ? timeout : `the ${timeout} of ${name}`;
    });
  const isNoticed = idleDetection(longer).latestMs <= detectWithinMs;
  return [
    ...(isNoticed ? [] : [`a quiet peer is noticed within ${asked(detectWithinMs)}`]),
    ...(timeouts.length > 0 ? [`two probes leave within ${joinWithAnd(timeouts)}`] : []),
  ];
}

function idleReason({ detection, numbers }: Proposal, required: ReadRequirements): string {
  const { idle } = numbers;
  const limiting = limitsOfIdle(numbers, required);
  const unlimited = idle >= limits.idle.max ? 'the longest that the kernel takes' : 'nothing asks for a shorter one';
  const why =
    limiting.length === 0
      ? unlimited
      : `with this interval and count, the longest with which ${limiting.join(' and ')}`;
  return `idle ${spokenDuration(idle)}: ${why}; a quiet peer is noticed after ${latest(detection.idle)}`;
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
  const outage = required.tolerateMs > 0 ? `, ${asked(required.tolerateMs)} was asked for` : '';
  return (
    `interval ${spokenDuration(numbers.interval)}, count ${numbers.count}: ` +
    `an outage of ${spokenDuration(toleratesMs)} is survived${outage}${mistakesReason(proposal, required)}`
  );
}

function userTimeoutReason({ numbers, detection }: Proposal, { detectWithinMs }: ReadRequirements): string {
  const { idle, interval, count, userTimeout = 0 } = numbers;
  const auto = idle + interval * count;
  const late = userTimeout === auto ? '' : ', longer than auto because the timer of idle can be late';
  const isLater = detection.inFlight.latestMs > detectWithinMs;
  return (
    `user timeout ${spokenDuration(userTimeout)}${late}: ` +
    `with data in flight, a dead peer is noticed after ${latest(detection.inFlight)}` +
    (isLater ? `: the ${asked(detectWithinMs)} are for a quiet peer` : '')
  );
}

/** Returns why each number of a planned policy is what it is. */
export function planReasons(planned: Proposal, required: ReadRequirements): string[] {
  return [idleReason(planned, required), probesReason(planned, required), userTimeoutReason(planned, required)];
}
