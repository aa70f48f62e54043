import type { NativeSocketsMeasured, Row } from './native-sockets-run.js';
import { runInOwnNetwork } from './own-network.js';
import type { Spread } from './paired-rounds.js';
import { atMost, type Report, renderTable, renderTargets } from './report.js';

const percent = ({ median }: Spread) => `${median.toFixed(2)} %`;

function describe({ native, node, isOpening }: Row): string {
  return `${native} connections of native code, ${node} of Node.js, ${isOpening ? 'and new ones' : 'and none new'}`;
}

/** Measures what looking for sockets of native code takes of a core, in a program that does nothing else. */
export async function benchmarkNativeSockets(): Promise<Report> {
  const measured = await runInOwnNetwork<NativeSocketsMeasured>('native-sockets-run.ts');
  const { rows } = measured;
  const targets = rows.map((row) => atMost(`% of a core with ${describe(row)}`, row.more.median, 1));
  const table = renderTable([
    ['', 'not looking', 'looking', 'more'],
    ...rows.map((row) => [describe(row), percent(row.without), percent(row.looking), percent(row.more)]),
  ]);
  return { data: { ...measured, targets }, text: [table, '', renderTargets(targets)].join('\n') };
}
