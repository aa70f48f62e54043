import { roundedSeconds } from '../../../policy/duration.js';
import { groupDigits } from '../../../policy/group-digits.js';
import { dayMs } from '../../../policy/model/traffic.js';
import type { Conflict, WayOut } from '../../../policy/plan/find-ways-out.js';
import { howOften } from '../../../policy/plan/how-often.js';
import type { Proposal } from '../../../policy/plan/proposal.js';
import type { ReadRequirements } from '../../../policy/plan/requirements.js';
import { surenessMarks } from '../../../policy/plan/sureness-marks.js';
import { optionFlag } from '../../shared/option-flag.js';
import { counted } from '../../text/counted.js';
import { humanDuration, longestDuration } from '../../text/duration.js';
import { type Column, renderTable } from '../../text/table.js';
import { wrapText } from '../../text/wrap-text.js';
import { conflictContexts, conflictHeads } from './conflict-reasons.js';
import { changedOption } from './needs.js';

/** Lines longer than this are hard to read. */
const widest = 100;

const countText = (number: number) =>
  number >= 100 ? groupDigits(Math.round(number)) : `${Number(number.toPrecision(3))}`;

/** Says an upper bound as the reason of the idle time does, which has tenths, as long as that is short. */
const noticedText = (ms: number) => (ms < 100_000 ? roundedSeconds(Math.ceil(ms / 100) * 100) : longestDuration(ms));

/** Returns after what time a healthy connection is ended by mistake. */
function everyText(perDay: number): string {
  return perDay > 1 ? humanDuration(dayMs / perDay) : howOften(perDay).replace(/^once in |^once a /, '');
}

const columns: readonly Column[] = [
  { title: 'POLICY' },
  { title: 'NOTICED AFTER', shortTitle: 'NOTICED', align: 'right', worth: 4 },
  { title: 'SURVIVES AN OUTAGE OF', shortTitle: 'OUTAGE', align: 'right', worth: 3 },
  { title: 'PACKETS A DAY', shortTitle: 'PACKETS', align: 'right', worth: 2 },
];

const mistakes: Column = { title: 'ENDS A HEALTHY ONE EVERY', shortTitle: 'MISTAKE', align: 'right', worth: 1 };

function renderProposals(
  proposals: readonly Proposal[],
  { path }: ReadRequirements,
  width: number,
  changes?: { readonly column: Column; readonly texts: readonly string[] },
): string {
  const isLossy = path.loss > 0;
  const rows = proposals.map(({ policy, detection, toleratesMs, traffic, falseAlarmsPerDay }, at) => [
    ...(changes === undefined ? [] : [changes.texts[at] ?? '']),
    policy,
    noticedText(detection.idle.latestMs),
    humanDuration(toleratesMs),
    countText(traffic.packetsPerDay),
    ...(isLossy ? [everyText(falseAlarmsPerDay)] : []),
  ]);
  const shown = [...(changes === undefined ? [] : [changes.column]), ...columns, ...(isLossy ? [mistakes] : [])];
  return renderTable(shown, rows, width);
}

function behindLines({ behind }: ReadRequirements): string[] {
  const named = behind.filter(({ sure }) => sure !== 'given');
  return named.map(({ title, timeoutMs, sure, note }) => {
    const more = note === undefined ? '' : `; ${note}`;
    return `Behind ${title}: idle timeout ${humanDuration(timeoutMs ?? 0)}${surenessMarks[sure]}${more}.`;
  });
}

function trafficLines({ traffic, wakeUpsPerDay }: Proposal, { connections, isOnBattery }: ReadRequirements): string[] {
  const { packetsPerSecond } = traffic;
  const all = `${counted(connections, 'quiet connection')}: ${countText(packetsPerSecond)} packets a second.`;
  const wakeUps = `The radio wakes up ${groupDigits(Math.round(wakeUpsPerDay))} times a day for a quiet connection.`;
  return [...(connections > 1 ? [all] : []), ...(isOnBattery ? [wakeUps] : [])];
}

function outageLines({ toleratesMs }: Proposal, { tolerateMs }: ReadRequirements): string[] {
  if (tolerateMs > 0) return [];
  return [`Without --tolerate: an outage of more than ${humanDuration(toleratesMs)} may end a healthy connection.`];
}

const paragraphs = (texts: readonly string[], width: number) =>
  texts.map((text) => wrapText(text, width, '  ')).join('\n');

/** Returns a plan, for people. */
export function renderPlan(
  best: Proposal,
  why: readonly string[],
  alternatives: readonly Proposal[],
  required: ReadRequirements,
  terminalWidth: number,
): string {
  const width = Math.min(terminalWidth, widest);
  const facts = [...behindLines(required), ...trafficLines(best, required), ...outageLines(best, required)];
  return `${[
    wrapText(`Policy: ${best.policy}`, width),
    paragraphs(why, width),
    ...(facts.length > 0 ? [paragraphs(facts, width)] : []),
    renderProposals([best, ...alternatives], required, width),
  ].join('\n\n')}\n`;
}

/** Returns a reason as a sentence; an option keeps its case. */
const sentence = (reason: string) => `${reason.slice(0, 1).toUpperCase()}${reason.slice(1)}.`;

function changeText({ giveUp, nearest }: WayOut): string {
  const [name] = giveUp;
  if (nearest !== null && name !== undefined) return changedOption(name, nearest);
  return `without ${giveUp.map(optionFlag).join(', ')}`;
}

/** Returns why no policy meets the needs, and what to change, for people. */
export function renderConflict(conflict: Conflict, required: ReadRequirements, terminalWidth: number): string {
  const width = Math.min(terminalWidth, widest);
  const { conflicts, waysOut } = conflict;
  const heads = conflictHeads(conflict, required);
  const changes = { column: { title: 'CHANGE' }, texts: waysOut.map(changeText) };
  const proposals = waysOut.map(({ proposal }) => proposal);
  return `${[
    wrapText(
      `${conflicts[0]?.length === 1 ? '' : 'No policy meets all needs: '}${heads.map(sentence).join(' ')}`,
      width,
    ),
    ...conflictContexts(conflict, required).map((reason) => wrapText(sentence(reason), width)),
    ...(waysOut.length > 0 ? [renderProposals(proposals, required, width, changes)] : []),
  ].join('\n\n')}\n`;
}
