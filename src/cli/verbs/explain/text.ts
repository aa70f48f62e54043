import { policyDuration } from '../../../policy/duration.js';
import { groupDigits } from '../../../policy/group-digits.js';
import type { TimeRange } from '../../../policy/model/time-range.js';
import type { TimelineEntry, TimelineStep } from '../../../policy/model/timeline.js';
import { dayMs } from '../../../policy/model/traffic.js';
import { type Middlebox, surenessMarks } from '../../../policy/plan/middlebox.js';
import type { CompletePolicy } from '../../../policy/policy.js';
import { counted } from '../../text/counted.js';
import { earliestDuration, humanDuration, longestDuration, lowerBound, upperBound } from '../../text/duration.js';
import { renderTable } from '../../text/table.js';
import { widest, wrapText } from '../../text/wrap-text.js';
import type { BehindExplanation, Explanation } from './explanation.js';

/** Below this, moments have a decimal. */
const preciseMs = 100_000;

/** Returns a time as a range: the earliest may be a jiffy short of what is said, the latest is rounded up. */
export function rangeText({ earliestMs, latestMs }: TimeRange): string {
  if (latestMs === 0) return '0 s';
  if (!Number.isFinite(latestMs)) return 'never';
  if (latestMs >= preciseMs) return `${earliestDuration(earliestMs)} .. ${longestDuration(latestMs)}`;
  return `${(earliestMs / 1000).toFixed(1)} .. ${(Math.ceil(latestMs / 100) / 10).toFixed(1)} s`;
}

const marks: Partial<Record<TimelineStep, string>> = {
  'last-segment': '|',
  write: '|',
  probe: '?',
  retransmission: '?',
};

/**
 * Draws a timeline in one line, to scale: each step as early as it can be, and the span in which the connection can end.
 */
export function drawTimeline(entries: readonly TimelineEntry[], width: number): string {
  const end = entries.at(-1)?.latestMs ?? 0;
  const columnOf = (ms: number) => Math.round((ms / end) * (width - 1));
  const cells = Array<string>(width).fill('.');
  for (const { step, earliestMs, latestMs, isCertain } of entries) {
    if (step === 'dead') cells.fill('x', columnOf(earliestMs), columnOf(latestMs) + 1);
    else if (isCertain) cells[columnOf(earliestMs)] = marks[step] ?? '.';
  }
  return cells.join('');
}

const stepTexts: Partial<Record<TimelineStep, string>> = {
  'last-segment': 'the peer is heard for the last time',
  dead: 'the connection ends: ETIMEDOUT',
};

function stepText({ step, number = 0, times, isCertain }: TimelineEntry): string {
  const numbers = number === 0 ? '' : times === undefined ? ` ${number}` : ` ${number} to ${number + times.most - 1}`;
  const areAllCertain = isCertain && times?.fewest === times?.most;
  return `${stepTexts[step] ?? step}${numbers}${areAllCertain ? '' : ', unless timers are late'}`;
}

const renderDrawing = (title: string, entries: readonly TimelineEntry[], width: number) =>
  `${wrapText(title, width)}\n\n${drawTimeline(entries, Math.min(width, 76))}`;

/** The most rows of a timeline: of more, the middle is left out. */
const mostRows = 14;

function renderTimeline(title: string, entries: readonly TimelineEntry[], width: number): string {
  const all = entries.map((entry) => [rangeText(entry), stepText(entry)]);
  const rows = all.length <= mostRows ? all : [...all.slice(0, mostRows - 3), ['...', '...'], ...all.slice(-2)];
  return `${renderDrawing(title, entries, width)}\n\n${renderTable(['AFTER', 'WHAT'], rows, width)}`;
}

/** Returns the timeline of data in flight without its table: there are many retransmissions. */
function renderInFlight(entries: readonly TimelineEntry[], width: number): string {
  const sent = entries
    .filter(({ step, isCertain }) => step === 'retransmission' && isCertain)
    .reduce((sum, { times }) => sum + (times?.fewest ?? 1), 0);
  const repeats = sent === 0 ? 'the data can be lost once' : `the data is sent again ${counted(sent, 'time')}`;
  return renderDrawing(`It vanishes with data in flight: ${repeats}, at growing intervals.`, entries, width);
}

function bytesText(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} bytes`;
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

const countText = (number: number) => (number >= 100 ? groupDigits(Math.round(number)) : number.toPrecision(3));

const errorOf = ({ latestMs }: TimeRange, error: string) => (Number.isFinite(latestMs) ? error : '-');

function renderDetections({ detection }: Explanation, width: number): string {
  const { idle, inFlight, rebooted, zeroWindow, heartbeat } = detection;
  const rows = [
    ['a quiet peer vanishes', rangeText(idle), errorOf(idle, 'ETIMEDOUT')],
    ['it vanishes with data in flight', rangeText(inFlight), 'ETIMEDOUT'],
    ['it reboots, and answers with RST', rangeText(rebooted), errorOf(rebooted, 'ECONNRESET')],
    ['it is there, but does not read', rangeText(zeroWindow), errorOf(zeroWindow, 'ETIMEDOUT')],
    ...(heartbeat === undefined ? [] : [['it vanishes between two heartbeats', rangeText(heartbeat), 'ETIMEDOUT']]),
  ];
  return renderTable(
    [{ title: 'A LOST PEER', least: 12 }, 'IS NOTICED AFTER', { title: 'ERROR', rank: 1 }],
    rows,
    width,
  );
}

function trafficText({ traffic }: Explanation): string {
  if (traffic.packetsPerDay === 0) return 'No probe is sent.';
  const { connections, packetsPerDay, bytesPerDay, packetsPerSecond } = traffic;
  const each = `A quiet connection sends and receives ${countText(packetsPerDay)} packets, ${bytesText(bytesPerDay)}, a day.`;
  if (connections === 1) return each;
  return `${each} ${counted(connections, 'connection')}: ${countText(packetsPerSecond)} packets a second.`;
}

const yearMs = 365.25 * dayMs;

/** Beyond this, no model holds. */
const mostYears = 1e9;

/** Says how long something takes to happen once, which can be longer than there are words for. */
function onceText(ms: number): string {
  const years = ms / yearMs;
  if (years < 10) return `once in ${humanDuration(ms)}`;
  return `${years > mostYears ? 'less than ' : ''}once in ${countText(Math.min(years, mostYears))} years`;
}

const shareText = (share: number) => `${Number((share * 100).toPrecision(3))} %`;

function falseAlarmText({ falseAlarm }: Explanation): string[] {
  if (falseAlarm === null) return [];
  const { loss, burstMs, perDay, probes } = falseAlarm;
  const path =
    burstMs === undefined
      ? `loses ${shareText(loss)} of the packets`
      : `is out for ${shareText(loss)} of the time, ${humanDuration(burstMs)} at a time`;
  const often =
    perDay === 0
      ? 'ends no healthy connection'
      : `ends a healthy, quiet connection ${perDay >= 1 ? `${countText(perDay)} times a day` : onceText(dayMs / perDay)}`;
  return [`A path that ${path} ${often}: ${counted(probes, 'lost probe')} in a row.`];
}

/** Returns whether probes keep the connections alive behind a middlebox, with the arithmetic. */
function behindText({ middlebox, outcome, firstProbe, marginMs, noticed }: BehindExplanation): string {
  const { title, timeoutMs, sure } = middlebox;
  const timeout = timeoutMs === null ? 'no default idle timeout' : lowerBound(timeoutMs);
  const probe = `the first probe goes out after ${upperBound(firstProbe.latestMs)} at the latest`;
  const end = noticed === null ? '' : `. A quiet connection ends after ${rangeText(noticed)}`;
  const said: Readonly<Record<BehindExplanation['outcome'], string>> = {
    safe: `safe: ${probe}, ${lowerBound(marginMs ?? 0)} before`,
    'too-late': `not safe: ${probe}${end}`,
    'not-counted': 'not safe: probes do not count there',
    off: 'not safe: keepalive is off',
    unknown: `not known, because ${timeoutMs === null ? 'its timeout' : 'whether probes count there'} is not: ${probe}`,
  };
  return `Behind ${title}, ${timeout}${surenessMarks[sure]}: ${said[outcome]}.`;
}

/** Returns the middleboxes that have a name. */
export function renderMiddleboxes(middleboxes: readonly Middlebox[], width: number): string {
  const rows = middleboxes.map(({ name, title, timeoutMs, onExpiry, keepAliveCounts, sure }) => [
    name,
    timeoutMs === null ? '?' : humanDuration(timeoutMs),
    keepAliveCounts === null ? '?' : keepAliveCounts ? 'yes' : 'no',
    onExpiry === 'unknown' ? '?' : onExpiry,
    sure,
    title,
  ]);
  const columns = [
    'NAME',
    'TIMEOUT',
    { title: 'PROBES COUNT', shortTitle: 'COUNT', worth: 3 },
    { title: 'ON EXPIRY', worth: 2 },
    { title: 'SURE', worth: 4 },
    { title: 'WHAT IT IS', worth: 1 },
  ];
  return `${renderTable(columns, rows, width)}\n`;
}

/** Returns what a policy makes the kernel do, in one sentence. */
function headOf(policy: string, { idle, interval, count, userTimeout = 0 }: CompletePolicy): string {
  return (
    `${policy}: a probe after ${policyDuration(idle)} s of quiet, then every ${policyDuration(interval)} s; ` +
    (userTimeout === 0
      ? `dead after ${counted(count, 'unanswered probe')}`
      : `dead once the peer was not heard for ${humanDuration(userTimeout)}`)
  );
}

/** Returns what a policy does, for people. */
export function renderExplanation(explanation: Explanation, terminalWidth: number): string {
  const width = Math.min(terminalWidth, widest);
  const { numbers, timeline, inFlightTimeline, warnings } = explanation;
  const isOff = numbers === null;
  return `${[
    wrapText(isOff ? 'off: keepalive is off' : headOf(explanation.policy, numbers), width),
    renderDetections(explanation, width),
    ...(isOff ? [] : [renderTimeline('A quiet peer vanishes:', timeline, width)]),
    renderInFlight(inFlightTimeline, width),
    ...[...explanation.behind.map(behindText), trafficText(explanation), ...falseAlarmText(explanation)].map((text) =>
      wrapText(text, width),
    ),
    ...warnings.map(({ code, message, source }) => wrapText(`warning ${code}: ${message} (${source})`, width, '  ')),
  ].join('\n\n')}\n`;
}
