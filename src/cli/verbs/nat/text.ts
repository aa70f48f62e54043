import type { Trial } from '../../../policy/path/path-verdict.js';
import { type PathTarget, targetText } from '../../../socket/path/open-connection.js';
import type { PathMeasurement, PathProgress } from '../../../socket/path/path-options.js';
import { counted } from '../../text/counted.js';
import { humanDuration, longestDuration } from '../../text/duration.js';
import { wrapText } from '../../text/wrap-text.js';

/** Rests below this are said in seconds with a decimal. */
const inSecondsMs = 120_000;

function seconds(ms: number, round: (tenths: number) => number): string {
  return `${(round(ms / 100) / 10).toFixed(1)} s`;
}

const atLeast = (ms: number) => (ms < inSecondsMs ? seconds(ms, Math.floor) : humanDuration(ms));
const atMost = (ms: number) => (ms < inSecondsMs ? seconds(ms, Math.ceil) : longestDuration(ms));

const outcomes: Readonly<Record<Trial['outcome'], string>> = {
  alive: 'alive',
  silent: 'lost silently',
  reset: 'reset',
  'closed-by-server': 'closed by the server',
};

function findings({ aliveMs, lostMs, how }: PathMeasurement, to: string): string[] {
  const lives = `An idle connection to ${to} lives for`;
  if (lostMs === null && aliveMs === 0) return [`Nothing is known yet of idle connections to ${to}.`];
  if (lostMs === null) return [`${lives} at least ${atLeast(aliveMs)}: none was lost.`];
  if (how === 'closed-by-server') {
    return [
      `The server at ${to}, or a proxy in front of it, closed an idle connection after ${atMost(lostMs)} with FIN. The path kept the connection until then.`,
      'Keepalive does not change that: a server counts data, and no probes. Raise its limit, or send something sooner.',
    ];
  }
  const manner = how === 'reset' ? 'what is sent then is answered with RST' : 'what is sent then is dropped silently';
  const lost = `after ${atMost(lostMs)} the path has lost it: ${manner}.`;
  if (aliveMs === 0) return [`No idle connection to ${to} was kept: ${lost}`];
  return [`${lives} ${atLeast(aliveMs)}; ${lost}`];
}

function disagreementLines({ disagreements, lostMs }: PathMeasurement): string[] {
  if (disagreements.length === 0) return [];
  const shown = disagreements.slice(0, 5).map(({ restMs, outcome, pass }) => {
    return `${outcomes[outcome]} after ${seconds(restMs, Math.round)} (pass ${pass})`;
  });
  const more = disagreements.length > shown.length ? [`${disagreements.length - shown.length} more`] : [];
  const isEarly = disagreements.some(({ outcome }) => outcome === 'closed-by-server');
  const cause = isEarly
    ? 'The server may take fewer connections: measure again with fewer --connections.'
    : 'The path has changed, or keeps connections differently: measure again.';
  const counts = lostMs === null ? '' : ' The shortest loss counts.';
  return [`Results that disagree: ${[...shown, ...more].join('; ')}.${counts} ${cause}`];
}

function recommendation({ recommendedIdle, policy, how, lostMs, aliveMs }: PathMeasurement): string[] {
  if (recommendedIdle === null || policy === null) {
    return aliveMs === 0 && lostMs === null ? [] : ['No idle time is short enough for a probe and a repeat in time.'];
  }
  const known = how === 'closed-by-server' ? (lostMs ?? aliveMs) : aliveMs;
  return [
    `Recommended idle: ${recommendedIdle / 1000} s: the latest first probe and one repeat leave within ${atLeast(known)}.`,
    `With needs of your own: tcp-keepalive plan --behind ${Math.floor(known / 1000)}s --tolerate 10s`,
    `Policy: ${policy}`,
  ];
}

/** Returns what is known of a path; ends in the recommended idle time and the text of the policy. */
export function renderMeasurement(measurement: PathMeasurement, target: PathTarget, width: number): string {
  const { address } = measurement;
  const to = address === target.host ? targetText(target) : `${targetText(target)} (${address})`;
  const lines = [...findings(measurement, to), ...disagreementLines(measurement), ...recommendation(measurement)];
  return lines.map((line) => `${wrapText(line, width)}\n`).join('');
}

/** Returns the line that shows how far a measurement is. */
export function renderProgress({ pass, resting, leftMs, known: { aliveMs, lostMs } }: PathProgress): string {
  const alive = aliveMs === 0 ? '' : `, alive after ${atLeast(aliveMs)}`;
  const lost = lostMs === null ? '' : `, lost after ${atMost(lostMs)}`;
  return `pass ${pass}, at most ${longestDuration(leftMs)} left: ${counted(resting, 'connection')} at rest${alive}${lost}`;
}
