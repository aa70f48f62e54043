import { spokenDuration } from '../../../policy/duration.js';
import { groupDigits } from '../../../policy/group-digits.js';
import { joinWithAnd } from '../../../policy/join-with-and.js';
import { behindWarning } from '../../../policy/plan/behind-warning.js';
import type { Conflict } from '../../../policy/plan/find-ways-out.js';
import { judgeBehind } from '../../../policy/plan/judge-behind.js';
import type { Middlebox } from '../../../policy/plan/middlebox.js';
import type { ReadRequirements, Requirement } from '../../../policy/plan/requirements.js';
import { surenessMarks } from '../../../policy/plan/sureness-marks.js';
import { humanDuration } from '../../text/duration.js';
import { optionText } from './needs.js';

/** Returns what a middlebox does that a policy has to reach; undefined if only its timeout was given. */
function behindReason(middlebox: Middlebox): string | undefined {
  const { title, name, timeoutMs, keepAliveCounts, sure } = middlebox;
  if (keepAliveCounts === false) {
    return `${behindWarning(judgeBehind('1:1:2', middlebox))?.message}${surenessMarks[sure]}`;
  }
  if (keepAliveCounts === null) return `whether keepalive counts at ${title} is not known`;
  if (sure === 'given') return undefined;
  if (timeoutMs !== null) return `${title}: idle timeout ${humanDuration(timeoutMs)}${surenessMarks[sure]}`;
  return `the idle timeout of ${title} is not known: measure it with \`tcp-keepalive nat\`, and give it in place of ${name}, as in --behind 4m`;
}

/** Returns what a need is for, if another option says it. */
const contexts: { readonly [name in Requirement]?: (required: ReadRequirements) => string } = {
  maxPacketsPerSecond: ({ connections }) =>
    `--max-packets-per-second is for all connections together: ${groupDigits(connections)}`,
  maxFalse: ({ path: { loss, burstMs } }) =>
    `the path loses ${Number((loss * 100).toPrecision(12))} % of the packets${burstMs === undefined ? '' : `, in outages of ${spokenDuration(burstMs)} on average`}`,
};

/** Returns which needs no policy meets, each set of them by itself. */
export function conflictHeads({ conflicts }: Conflict, required: ReadRequirements): string[] {
  return conflicts.map((names) => {
    const options = joinWithAnd(names.map((name) => optionText(name, required)));
    return names.length === 1 ? `no policy meets ${options}` : `${options} contradict each other`;
  });
}

/** Returns what the needs depend on that no policy meets. */
export function conflictContexts({ conflicts }: Conflict, required: ReadRequirements): string[] {
  const names = conflicts.flat();
  const boxes = names.includes('behind') ? required.behind : [];
  return [
    ...boxes.flatMap((box) => behindReason(box) ?? []),
    ...names.flatMap((name) => contexts[name]?.(required) ?? []),
  ];
}
