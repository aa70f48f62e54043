import { roundedSeconds, spokenDuration } from '../duration.js';
import { joinWithAnd } from '../join-with-and.js';
import { probeTime } from '../model/detection-time.js';
import type { TimeRange } from '../model/time-range.js';
import { type CompletePolicy, limits } from '../policy.js';
import { autoUserTimeout } from '../validate.js';
import { howOften } from './how-often.js';
import { surenessMarks } from './middlebox.js';
import type { Proposal } from './proposal.js';
import type { ReadRequirements } from './requirements.js';
import { dataDetection, isNoticedWithin, withShortestUserTimeout } from './user-timeout.js';

/** Says the latest moment of something, rounded up. */
const rounded = ({ latestMs }: TimeRange) => roundedSeconds(Math.ceil(latestMs / 100) * 100);

const latest = (range: TimeRange) => `${rounded(range)} at the latest`;

/** Says a time that was asked for, not rounded: `44.96 s`, `20 ms`. */
const asked = (ms: number) => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`);

/** Returns what would not hold with a longer idle time, and the same interval and count. */
function limitsOfIdle({ idle, interval, count }: CompletePolicy, required: ReadRequirements): string[] {
  const { detectWithinMs, behind } = required;
  const longer = { idle: idle + limits.idle.step, interval, count };
  const repeatMs = probeTime(longer, 2).latestMs;
  const timeouts = behind
    .filter(({ timeoutMs }) => timeoutMs !== null && timeoutMs <= repeatMs)
    .map(({ name, timeoutMs, sure }) => {
      const timeout = `${asked(timeoutMs ?? 0)}${surenessMarks[sure]}`;
      return sure === 'given' ? timeout : `the ${timeout} of ${name}`;
    });
  const isNoticed = isNoticedWithin(longer, detectWithinMs);
  return [
    ...(isNoticed ? [] : [`a lost peer is noticed within ${asked(detectWithinMs)}`]),
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

/** Returns why the user timeout is not `auto`; nothing if it is. */
function notAutoReason(numbers: CompletePolicy): string {
  const { idle, interval, count } = numbers;
  const auto = autoUserTimeout(idle, interval, count);
  const { userTimeout = auto } = numbers;
  if (userTimeout === auto) return ' (auto)';
  const why =
    userTimeout > auto
      ? `late timers can delay the last probe to ${rounded(probeTime(numbers, count))}`
      : `that would notice data in flight after ${latest(dataDetection({ userTimeout: auto }))}`;
  return `, not ${spokenDuration(auto)} (auto): ${why}`;
}

function userTimeoutReason({ numbers, detection }: Proposal): string {
  const inFlight = `with data in flight, a lost peer is noticed after ${latest(detection.inFlight)}`;
  if (numbers.userTimeout === undefined) {
    const { userTimeout: needed = 0 } = withShortestUserTimeout(numbers);
    return (
      `no user timeout: one that lets all probes leave, ${spokenDuration(needed)}, would delay detection; ` +
      `${inFlight} (tcp_retries2 = 15)`
    );
  }
  return (
    `user timeout ${spokenDuration(numbers.userTimeout)}${notAutoReason(numbers)}; ${inFlight}; ` +
    'a peer that is alive but reads nothing for that long loses the connection too'
  );
}

/** Returns why each number of a planned policy is what it is. */
export function planReasons(planned: Proposal, required: ReadRequirements): string[] {
  return [idleReason(planned, required), probesReason(planned, required), userTimeoutReason(planned)];
}
