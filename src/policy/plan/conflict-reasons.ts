import { spokenDuration } from '../duration.js';
import { groupDigits } from '../group-digits.js';
import { joinWithAnd } from '../join-with-and.js';
import { behindWarning } from '../warnings/behind-warning.js';
import { judgeBehind } from './judge-behind.js';
import { type Middlebox, surenessMarks } from './middlebox.js';
import type { ReadRequirements, Requirement } from './requirements.js';

/** Returns what a middlebox does that a policy has to reach; undefined if only its timeout was given. */
function behindReason(middlebox: Middlebox): string | undefined {
  const { title, name, timeoutMs, keepAliveCounts, sure } = middlebox;
  if (keepAliveCounts === false) {
    return `${behindWarning(judgeBehind('1:1:2', middlebox))?.message}${surenessMarks[sure]}`;
  }
  if (keepAliveCounts === null) return `whether keepalive counts at ${title} is not known`;
  if (sure === 'given') return undefined;
  if (timeoutMs !== null) return `${title}: idle timeout ${spokenDuration(timeoutMs)}${surenessMarks[sure]}`;
  return `the idle timeout of ${title} is not known: measure it with \`tcp-keepalive nat\`, and give it, such as 4m, in place of ${name}`;
}

/** Returns what lost packets do to the path. */
function pathReason({ path: { loss, burstMs } }: ReadRequirements): string {
  const bursts = burstMs === undefined ? '' : `, in outages of ${spokenDuration(burstMs)} on average`;
  return `the path loses ${Number((loss * 100).toPrecision(12))} % of the packets${bursts}`;
}

/** Formats milliseconds as options take them: `45s`, `20m`, `500ms`. */
function optionDuration(ms: number): string {
  if (ms >= 3_600_000 && ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  if (ms >= 600_000 && ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

const values: { readonly [name in Requirement]: (required: ReadRequirements) => string } = {
  detectWithin: ({ detectWithinMs }) => optionDuration(detectWithinMs),
  tolerate: ({ tolerateMs }) => optionDuration(tolerateMs),
  behind: ({ behind }) => behind.map(({ name }) => name).join(','),
  maxFalse: ({ maxFalse }) => `${maxFalse}`,
  maxPacketsPerSecond: ({ maxPacketsPerSecond, connections }) =>
    `${maxPacketsPerSecond}${connections === 1 ? '' : ` for ${groupDigits(connections)} connections`}`,
};

/** Formats the nearest value of a requirement. */
export function nearestText(name: Requirement, value: number): string {
  const isTime = name === 'detectWithin' || name === 'tolerate' || name === 'behind';
  return isTime ? optionDuration(value) : `${value}`;
}

/**
 * Returns the sentences that say which requirements contradict each other, one for each contradiction, and then what these depend on.
 * `labelOf` returns the name of a requirement as the reader knows it.
 */
export function conflictReasons(
  conflicts: readonly (readonly Requirement[])[],
  required: ReadRequirements,
  labelOf: (name: Requirement) => string = (name) => name,
): string[] {
  const heads = conflicts.map((names) => {
    const texts = joinWithAnd(names.map((name) => `${labelOf(name)} ${values[name](required)}`));
    return names.length === 1 ? `no policy meets ${texts}` : `${texts} contradict each other`;
  });
  const names = conflicts.flat();
  const boxes = names.includes('behind') ? required.behind : [];
  const path = names.includes('maxFalse') ? [pathReason(required)] : [];
  return [...heads, ...boxes.flatMap((box) => behindReason(box) ?? []), ...path];
}
