import { parsePolicy } from '../../src/index.js';
import { probeTime } from '../../src/policy/model/detection-time.js';
import { falseAlarm } from '../../src/policy/model/false-alarm.js';
import type { Outcome } from '../../src/policy/model/scenario.js';
import { runProbability } from '../process/loss-model.js';
import type { LossyResult } from './lossy-connections.js';
import { type Pair, pairs, predict } from './pairs.js';

/** What was measured of a pair, in milliseconds since the peer was heard at the beginning. */
export interface Measured {
  readonly verdict: 'alive' | 'dead';
  readonly error?: string;
  readonly atMs: number;
}

/** What the tables of docs/model.md state; scripts/model-page.mjs measures it. */
export interface Measurements {
  /** By the place of each pair. */
  readonly pairs: Readonly<Record<number, Measured>>;
  readonly loss: readonly LossyResult[];
}

const seconds = (ms: number) => (ms / 1000).toFixed(2);

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

const table = (titles: readonly string[], rows: readonly (readonly string[])[]) =>
  [row(titles), row(titles.map(() => '---')), ...rows.map(row)].join('\n');

function eventsText({ scenario: { events, everyMs } }: Pair): string {
  const heartbeat = everyMs === undefined ? [] : [`write every ${everyMs / 1000} s`];
  return [...heartbeat, ...events.map(({ what, atMs }) => `${what} ${atMs / 1000}`)].join(', ');
}

function conditionsText({ retries2, rtoMax }: Pair): string {
  return rtoMax === undefined ? String(retries2) : `${retries2}, rtoMax ${rtoMax / 1000} s`;
}

function predictedText({ verdict, errors, death }: Outcome): string {
  if (verdict === 'alive') return 'alive';
  return `${errors.join(' or ')} ${seconds(death.earliestMs)} .. ${seconds(death.latestMs)}`;
}

const measuredText = ({ verdict, error, atMs }: Measured) =>
  verdict === 'alive' ? 'alive' : `${error} ${seconds(atMs)}`;

/** Returns the table of the drawn pairs, predicted and measured. */
export function pairsTable(measured: Measurements['pairs']): string {
  const rows = pairs.map((pair, index) => [
    String(index + 1),
    `\`${pair.policy}\``,
    eventsText(pair),
    conditionsText(pair),
    predictedText(predict(pair)),
    measuredText(measured[index] as Measured),
  ]);
  return table(['', 'policy', 'events, at s', 'tcp_retries2', 'predicted, s', 'measured, s'], rows);
}

const percent = (share: number) => `${Math.round(share * 100)} %`;

/** How many of the connections of a lossy path end, by the model's chances to lose a probe. The policy probes each interval. */
export function predictEnded({ policy, path, connections, lossyMs }: LossyResult): number {
  const settings = parsePolicy(policy);
  const { perProbe, probes: count } = falseAlarm(settings, path);
  const first = falseAlarm({ ...settings, count: 1 }, path).perProbe;
  const again = (perProbe / first) ** (1 / (count - 1));
  const { earliestMs, latestMs } = probeTime(settings);
  // A connection ends an interval after the last probe that counts.
  const probes = lossyMs / ((earliestMs + latestMs) / 2) - 1;
  const within = (rounds: number) => runProbability(first, count, rounds, again);
  const fewer = Math.floor(probes);
  return connections * (within(fewer) + (probes - fewer) * (within(fewer + 1) - within(fewer)));
}

/** Returns the table of connections on lossy paths, predicted and measured. */
export function lossTable(measured: Measurements['loss']): string {
  const rows = measured.map((result) => {
    const { loss, burstMs } = result.path;
    const path = burstMs === undefined ? 'at random, each way' : `in outages of ${burstMs / 1000} s`;
    const predicted = predictEnded(result).toFixed(0);
    return [`\`${result.policy}\``, percent(loss), path, String(result.connections), predicted, String(result.ended)];
  });
  return table(['policy', 'lost', 'how', 'connections', 'predicted to end', 'ended'], rows);
}

/** Returns a page with its tables made anew: each stands between two comments that name it. */
export function withTables(page: string, measurements: Measurements): string {
  const tables = { pairs: pairsTable(measurements.pairs), loss: lossTable(measurements.loss) };
  return Object.entries(tables).reduce((text, [name, lines]) => {
    const [before, rest] = text.split(`<!-- begin ${name} -->\n`);
    const [, after] = rest?.split(`\n<!-- end ${name} -->`) ?? [];
    if (after === undefined) throw new Error(`the page has no place for the table '${name}'`);
    return `${before}<!-- begin ${name} -->\n${lines}\n<!-- end ${name} -->${after}`;
  }, page);
}
