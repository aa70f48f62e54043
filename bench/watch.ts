import type { Load } from './idle-clients.js';
import { runInOwnNetwork } from './own-network.js';
import { atMost, type Report, renderTable, renderTargets, type Target } from './report.js';
import type { Care, Kind, ReadingOf, WatchMeasured } from './watch-run.js';

const titles: Readonly<Record<Kind, string>> = { watch: 'watchPeers', ws: 'ws ping/pong' };

/** What one contestant cost at one period, in the units that the targets are in. */
interface Cost {
  readonly what: Kind;
  readonly periodMs: number;
  /** Share of one core, without what the same process takes when it does not look after its connections. */
  readonly cpuPercent: number;
  readonly heapBytesPerConnection: number;
  /** On the wire, both ways, for each connection and each period. */
  readonly packets: number;
  readonly bytes: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
}

const share = ({ cpuMs, forMs }: Load) => (100 * cpuMs) / forMs;

function costOf(care: Care, connections: number): Cost {
  const rounds = (care.with.forMs / care.periodMs) * connections;
  return {
    what: care.kind,
    periodMs: care.periodMs,
    cpuPercent: share(care.with) - share(care.without),
    heapBytesPerConnection: care.heapBytesPerConnection,
    packets: care.with.packets / rounds,
    bytes: care.with.bytes / rounds,
    delayP99Ms: care.delay.p99Ms,
    delayMaxMs: care.delay.maxMs,
  };
}

function renderCost(cost: Cost): string[] {
  return [
    `${titles[cost.what]}, ${cost.periodMs / 1000} s`,
    `${cost.cpuPercent.toFixed(2)} %`,
    cost.heapBytesPerConnection.toFixed(0),
    cost.packets.toFixed(2),
    cost.bytes.toFixed(0),
    cost.delayP99Ms.toFixed(1),
    cost.delayMaxMs.toFixed(1),
  ];
}

const costHead = ['10,000 idle connections', 'CPU', 'heap B', 'packets', 'wire B', 'delay p99 ms', 'max ms'];

function renderReading({ connections, looksAt, perSocket, dump }: ReadingOf): string[] {
  return [`${looksAt} of ${connections} due`, perSocket.median.toFixed(2), dump.median.toFixed(2)];
}

function targetsOf(costs: readonly Cost[]): Target[] {
  const limits = new Map([
    [30_000, 1],
    [2000, 5],
  ]);
  return costs
    .filter(({ what }) => what === 'watch')
    .flatMap(({ periodMs, cpuPercent, heapBytesPerConnection }) => [
      atMost(`% of a core, probing every ${periodMs / 1000} s`, cpuPercent, limits.get(periodMs) ?? 0),
      atMost(`bytes of heap a connection, probing every ${periodMs / 1000} s`, heapBytesPerConnection, 599),
    ]);
}

/** Measures what a watch of many idle connections costs, against heartbeats, and the two ways to read the kernel. */
export async function benchmarkWatch(): Promise<Report> {
  const measured = await runInOwnNetwork<WatchMeasured>('watch-run.ts');
  const costs = measured.care.map((care) => costOf(care, measured.connections));
  const targets = targetsOf(costs);
  const { busy } = measured;
  const text = [
    renderTable([costHead, ...costs.map(renderCost)]),
    '',
    renderTable([['us a connection that is due', 'TCP_INFO', 'inet_diag'], ...measured.readings.map(renderReading)]),
    '',
    `a round trip on a busy connection: ${busy.median.toFixed(3)} times one without a watch (half of the rounds from ${busy.lowerQuartile.toFixed(3)} to ${busy.upperQuartile.toFixed(3)})`,
    '',
    renderTargets(targets),
  ].join('\n');
  return { data: { ...measured, costs, targets }, text };
}
