import { joinWithAnd } from '../../../policy/join-with-and.js';
import { behindWarning } from '../../../policy/plan/behind-warning.js';
import type { Conflict } from '../../../policy/plan/find-ways-out.js';
import { judgeBehind } from '../../../policy/plan/judge-behind.js';
import type { Middlebox } from '../../../policy/plan/middlebox.js';
import type { ReadRequirements, Requirement } from '../../../policy/plan/requirements.js';
import { optionText } from './needs.js';

/** Returns why no policy keeps a connection alive in a middlebox; undefined if only its timeout may be too short. */
function behindReason(middlebox: Middlebox): string | undefined {
  const { title, name, timeoutMs, keepAliveCounts } = middlebox;
  if (keepAliveCounts === false) return behindWarning(judgeBehind('1:1:2', middlebox))?.message;
  if (keepAliveCounts === null) return `whether keepalive counts at ${title} is not known`;
  if (timeoutMs !== null) return undefined;
  return `the idle timeout of ${title} is not known: measure it with \`tcp-keepalive nat\`, and give it in place of ${name}, as in --behind 4m`;
}

/** Returns the sentences that say which needs no policy meets. */
export function conflictReasons({ between }: Conflict, required: ReadRequirements): string[] {
  const text = (name: Requirement) => optionText(name, required);
  const head =
    between.length === 1
      ? `no policy meets ${joinWithAnd(between.map(text))}`
      : `${joinWithAnd(between.map(text))} contradict each other`;
  const boxes = between.includes('behind') ? required.behind : [];
  return [head, ...boxes.flatMap((box) => behindReason(box) ?? [])];
}
