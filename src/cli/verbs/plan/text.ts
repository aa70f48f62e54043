import { groupDigits } from '../../../policy/group-digits.js';
import { dayMs } from '../../../policy/model/traffic.js';
import { nearestText } from '../../../policy/plan/conflict-reasons.js';
import { howOften } from '../../../policy/plan/how-often.js';
import { surenessMarks } from '../../../policy/plan/middlebox.js';
import type { ImpossiblePlan, PossiblePlan, Proposal, WayOut } from '../../../policy/plan/proposal.js';
import type { ReadRequirements } from '../../../policy/plan/requirements.js';
import { noticedMs } from '../../../policy/plan/user-timeout.js';
import { optionFlag } from '../../shared/option-flag.js';
import { humanDuration, upperBound } from '../../text/duration.js';
import { type Column, renderTable, shownColumns } from '../../text/table.js';
import { widest, wrapText } from '../../text/wrap-text.js';

const countText = (number: number) =>
  number >= 100 ? groupDigits(Math.round(number)) : `${Number(number.toPrecision(3))}`;

/** Returns after what time a healthy connection is ended by mistake. */
function everyText(perDay: number): string {
  return perDay > 1 ? humanDuration(dayMs / perDay) : howOften(perDay).replace(/^once in |^once a /, '');
}

const columns: readonly Column[] = [
  { title: 'POLICY' },
  { title: 'NOTICED AFTER', shortTitle: 'NOTICED', align: 'right', worth: 4 },
  { title: 'SURVIVES AN OUTAGE OF', shortTitle: 'OUTAGE', align: 'right', worth: 3 },
  { title: 'PACKETS A DAY', shortTitle: 'PACKETS/DAY', align: 'right', worth: 2 },
];

const mistakes: Column = { title: 'ENDS A HEALTHY ONE EVERY', shortTitle: 'MISTAKE', align: 'right', worth: 1 };

/** The column of the changes of requirements, and the texts of each proposal, one below the other. */
interface Changes {
  readonly column: Column;
  readonly texts: readonly (readonly string[])[];
}

function renderProposals(
  proposals: readonly Proposal[],
  { path }: ReadRequirements,
  width: number,
  changes?: Changes,
): string {
  const isLossy = path.loss > 0;
  const shown = [...(changes === undefined ? [] : [changes.column]), ...columns, ...(isLossy ? [mistakes] : [])];
  const rows = proposals.flatMap(({ policy, numbers, toleratesMs, traffic, falseAlarmsPerDay }, at) => {
    const [change, ...more] = changes?.texts[at] ?? [];
    const row = [
      ...(change === undefined ? [] : [change]),
      policy,
      upperBound(noticedMs(numbers)),
      humanDuration(toleratesMs),
      countText(traffic.packetsPerDay),
      ...(isLossy ? [everyText(falseAlarmsPerDay)] : []),
    ];
    return [row, ...more.map((text) => [text, ...shown.slice(1).map(() => '')])];
  });
  // Short titles for all, sooner than a column less.
  const isWide = shownColumns(shown, rows, width).length === shown.length;
  const fitting = isWide ? shown : shown.map((column) => ({ ...column, title: column.shortTitle ?? column.title }));
  return renderTable(fitting, rows, width);
}

function behindLines({ behind }: ReadRequirements): string[] {
  const named = behind.filter(({ sure }) => sure !== 'given');
  return named.map(({ title, timeoutMs, sure, note }) => {
    const more = note === undefined ? '' : `; ${note}`;
    return `Behind ${title}: idle timeout ${humanDuration(timeoutMs ?? 0)}${surenessMarks[sure]}${more}.`;
  });
}

function costLines({ traffic, wakeUpsPerDay }: Proposal, { connections, isOnBattery }: ReadRequirements): string[] {
  const { packetsPerSecond } = traffic;
  const all = `${groupDigits(connections)} quiet connections: ${countText(packetsPerSecond)} packets a second.`;
  const wakeUps = `The radio wakes up ${groupDigits(Math.round(wakeUpsPerDay))} times a day for a quiet connection.`;
  return [...(connections > 1 ? [all] : []), ...(isOnBattery ? [wakeUps] : [])];
}

/** Returns what the policy comes to where nothing was asked for. */
function unaskedLines({ toleratesMs, numbers }: Proposal, { tolerateMs, detectWithinMs }: ReadRequirements): string[] {
  const noticed = `Without --detect-within: a lost peer is noticed after up to ${upperBound(noticedMs(numbers))}.`;
  const survived = `Without --tolerate: an outage of more than ${humanDuration(toleratesMs)} may end a healthy connection.`;
  return [...(Number.isFinite(detectWithinMs) ? [] : [noticed]), ...(tolerateMs > 0 ? [] : [survived])];
}

const paragraphs = (texts: readonly string[], width: number) =>
  texts.map((text) => wrapText(text, width, '  ')).join('\n');

/** Returns a plan, for people. */
export function renderPlan(
  { best, why, alternatives }: PossiblePlan,
  required: ReadRequirements,
  terminalWidth: number,
): string {
  const width = Math.min(terminalWidth, widest);
  const facts = [...behindLines(required), ...costLines(best, required), ...unaskedLines(best, required)];
  return `${[
    wrapText(`Policy: ${best.policy}`, width),
    paragraphs(why, width),
    ...(facts.length > 0 ? [paragraphs(facts, width)] : []),
    renderProposals([best, ...alternatives], required, width),
  ].join('\n\n')}\n`;
}

/** Returns a reason as a sentence; an option keeps its case. */
const sentence = (reason: string) => `${reason.slice(0, 1).toUpperCase()}${reason.slice(1)}.`;

/** Returns the changes of a way out, new values before what is given up, each as a text that follows the one before. */
function changeTexts({ giveUp, nearest }: WayOut): string[] {
  const changed = giveUp.flatMap((name) => {
    const value = nearest[name];
    return typeof value === 'number' ? [`${optionFlag(name)} ${nearestText(name, value)}`] : [];
  });
  const without = giveUp.filter((name) => nearest[name] === null).map((name) => `without ${optionFlag(name)}`);
  return [...changed, ...without].map((text, at) => (at === 0 ? text : `and ${text}`));
}

/** Returns why no policy meets the needs, and what to change, for people. */
export function renderConflict(plan: ImpossiblePlan, required: ReadRequirements, terminalWidth: number): string {
  const width = Math.min(terminalWidth, widest);
  const { why, conflicts, alternatives } = plan;
  const heads = why.slice(0, conflicts.length);
  const isOneNeed = conflicts[0]?.length === 1;
  const sentences = heads.map((head, at) =>
    sentence(at === 0 && !isOneNeed ? `no policy meets all needs: ${head}` : head),
  );
  const changes = { column: { title: 'CHANGE' }, texts: alternatives.map(changeTexts) };
  return `${[
    paragraphs(sentences, width),
    ...why.slice(conflicts.length).map((reason) => wrapText(sentence(reason), width)),
    ...(alternatives.length > 0 ? [renderProposals(alternatives, required, width, changes)] : []),
  ].join('\n\n')}\n`;
}
