import { roundedSeconds } from '../duration.js';
import type { Proposal } from './proposal.js';
import type { ReadRequirements } from './requirements.js';

function idleReason({ numbers, detection }: Proposal, { detectWithinMs, behind }: ReadRequirements): string {
  const limits = [
    ...(Number.isFinite(detectWithinMs) ? [`a quiet peer is noticed within ${roundedSeconds(detectWithinMs)}`] : []),
    ...behind.map(({ name, timeoutMs }) => `two probes leave within the ${roundedSeconds(timeoutMs ?? 0)} of ${name}`),
  ];
  const why = limits.length === 0 ? 'nothing asks for a shorter one' : `the longest with which ${limits.join(' and ')}`;
  return `idle ${roundedSeconds(numbers.idle)}: ${why}; a quiet peer is noticed after ${roundedSeconds(detection.idle.latestMs)} at the latest`;
}

function probesReason(planned: Proposal, { tolerateMs, path, maxFalse }: ReadRequirements): string {
  const { numbers, toleratesMs, falseAlarmsPerDay } = planned;
  const outage =
    tolerateMs > 0
      ? `an outage of ${roundedSeconds(toleratesMs)} is survived, ${roundedSeconds(tolerateMs)} was asked for`
      : 'a lost probe is repeated';
  const isLossy = path.loss > 0 || Number.isFinite(maxFalse);
  const alarms = isLossy
    ? `; ${falseAlarmsPerDay.toPrecision(2)} healthy connections are ended a day and connection`
    : '';
  return `interval ${roundedSeconds(numbers.interval)}, count ${numbers.count}: ${outage}${alarms}`;
}

function userTimeoutReason({ numbers, detection }: Proposal): string {
  const { idle, interval, count, userTimeout = 0 } = numbers;
  const auto = idle + interval * count;
  const late = userTimeout === auto ? '' : `, longer than auto because the timer of idle can be late`;
  return (
    `user timeout ${roundedSeconds(userTimeout)}${late}: ` +
    `with data in flight, a dead peer is noticed after ${roundedSeconds(detection.inFlight.latestMs)} at the latest`
  );
}

/** Returns why each number of a planned policy is what it is. */
export function planReasons(planned: Proposal, required: ReadRequirements): string[] {
  return [idleReason(planned, required), probesReason(planned, required), userTimeoutReason(planned)];
}
