import type { SetMeasured, WayName } from './host-set-run.js';
import { runInOwnNetwork } from './own-network.js';
import type { Spread } from './paired-rounds.js';
import { atLeast, type Report, renderTable, renderTargets, wrap } from './report.js';

const ways: Readonly<Record<WayName, string>> = {
  'tcp-iterator': 'setting alone, by the iterator',
  'descriptor-copies': 'setting alone, by copies of descriptors',
  setConnections: 'setConnections, which finds them first',
  'tcp-keepalive set': 'tcp-keepalive set --json, whole process',
};

function renderSpread({ lowerQuartile, median, upperQuartile }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${lowerQuartile.toFixed(digits)}..${upperQuartile.toFixed(digits)})`;
}

/** Times setting the live connections of another process, and whether it notices. */
export async function benchmarkHostSet(): Promise<Report> {
  const measured = await runInOwnNetwork<SetMeasured>('host-set-run.ts');
  const { connections, perSecond, throughput } = measured;
  const targets = [
    atLeast(`connections a second, ${ways['tcp-iterator']}`, perSecond['tcp-iterator'].median, 50_000),
    atLeast('round trips while set, by those before and after', throughput.setting.median, 0.95),
  ];
  const rows = Object.entries(ways).map(([way, what]) => {
    const spread = perSecond[way as WayName];
    return [what, renderSpread(spread, 0), ((connections * 1000) / spread.median).toFixed(0)];
  });
  const notes = [
    `Round trips of the process during ${throughput.windowMs.median.toFixed(0)} ms in which all are set, by those right ` +
      `before and after: ${renderSpread(throughput.setting, 3)}. While the setting process is as busy with nothing: ` +
      `${renderSpread(throughput.spinning, 3)}. The one by the other: ${renderSpread(throughput.settingToSpinning, 3)}.`,
    'The process has the same descriptors afterwards, with the same flags, O_NONBLOCK among them.',
  ];
  const head = [`${connections} connections of one process`, 'a second (quartiles)', 'ms for all'];
  const text = [renderTable([head, ...rows]), '', ...notes.map(wrap), '', renderTargets(targets)].join('\n');
  return { data: { ...measured, targets }, text };
}
