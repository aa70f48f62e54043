import type { ContestantMeasured, Load } from './dead-within-run.js';
import { settings } from './dead-within-settings.js';
import { runInOwnNetwork } from './own-network.js';
import { type Report, renderTable } from './report.js';

/** What one contestant did, in the units of the table. */
interface Outcome {
  readonly name: string;
  readonly medianMs: number;
  readonly maxMs: number;
  /** Of the peers that were sent nothing after they had crashed. */
  readonly quietMaxMs: number;
  readonly quiet: number;
  readonly missed: number;
  /** Of each connection and second, with the messages. */
  readonly packets: number;
  readonly bytes: number;
  readonly cpuUs: number;
  /** The same of the messages alone. */
  readonly packetsWithout: number;
  readonly bytesWithout: number;
  readonly cpuUsWithout: number;
  /** Shares of the connections, by loss. */
  readonly falseAlarmPercents: readonly number[];
}

const rate = (amount: number, { forMs }: Load) => amount / settings.connections / (forMs / 1000);

function median(sorted: readonly number[]): number {
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}

function outcomeOf(measured: ContestantMeasured): Outcome {
  const { name, quietMs, messageMs, missed, without, with: load, falseAlarms } = measured;
  const all = [...quietMs, ...messageMs].sort((a, b) => a - b);
  return {
    name,
    medianMs: median(all),
    maxMs: all.at(-1) ?? Number.NaN,
    quietMaxMs: quietMs.at(-1) ?? Number.NaN,
    quiet: quietMs.length,
    missed,
    packets: rate(load.packets, load),
    bytes: rate(load.bytes, load),
    cpuUs: rate(load.cpuMs * 1000, load),
    packetsWithout: rate(without.packets, without),
    bytesWithout: rate(without.bytes, without),
    cpuUsWithout: rate(without.cpuMs * 1000, without),
    falseAlarmPercents: falseAlarms.map(
      ({ byClient, byServer }) => (100 * (byClient + byServer)) / settings.connections,
    ),
  };
}

function renderDetection({ name, medianMs, maxMs, quietMaxMs, quiet, missed }: Outcome): string[] {
  return [name, medianMs.toFixed(0), maxMs.toFixed(0), quietMaxMs.toFixed(0), String(quiet), String(missed)];
}

function renderFalseAlarms({ name, falseAlarmPercents }: Outcome): string[] {
  return [name, ...falseAlarmPercents.map((percent) => `${percent.toFixed(1)} %`)];
}

function renderCost(outcome: Outcome): string[] {
  const { name, packets, packetsWithout, bytes, bytesWithout, cpuUs, cpuUsWithout } = outcome;
  const pair = (amount: number, without: number, digits: number) => [amount.toFixed(digits), without.toFixed(digits)];
  return [name, ...pair(packets, packetsWithout, 2), ...pair(bytes, bytesWithout, 0), ...pair(cpuUs, cpuUsWithout, 1)];
}

/** Measures `deadWithin` against heartbeats of an application's protocol. */
export async function benchmarkDeadWithin(): Promise<Report> {
  const measured = await runInOwnNetwork<ContestantMeasured[]>('dead-within-run.ts');
  const outcomes = measured.map(outcomeOf);
  const losses = [0, ...settings.lossPercents].map((percent) => `${percent} % loss`);
  const text = [
    renderTable([
      ['from crash to event, ms', 'median', 'max', 'max, quiet', 'quiet', 'missed'],
      ...outcomes.map(renderDetection),
    ]),
    '',
    renderTable([['healthy, declared dead', ...losses], ...outcomes.map(renderFalseAlarms)]),
    '',
    renderTable([
      ['a connection and second', 'packets', 'alone', 'bytes', 'alone', 'CPU us', 'alone'],
      ...outcomes.map(renderCost),
    ]),
    '',
    `${settings.connections} connections each, a message of ${settings.messageBytes} bytes every ${settings.messageEveryMs / 1000} s; "alone": the messages alone`,
  ].join('\n');
  return { data: { settings, measured, outcomes }, text };
}
