import type { Measured, Row } from './host-options-run.js';
import { runInOwnNetwork } from './own-network.js';
import { atLeast, atMost, type Report, renderTable, renderTargets, type Target, wrap } from './report.js';

function median({ microseconds }: Row, method: string): number {
  return microseconds[method]?.median ?? Number.NaN;
}

function targetsOf({ rows, throughput }: Measured): Target[] {
  const read = rows.filter(({ what }) => what === 'read').at(-1) as Row;
  const set = rows.find(({ what }) => what === 'set') as Row;
  return [
    atMost('us a socket, read by the iterator, most sockets', median(read, 'tcp-iterator'), 2),
    atLeast('connections a second, set by the iterator', 1e6 / median(set, 'tcp-iterator'), 50_000),
    atLeast('round trips of the process meanwhile, by those without', throughput.median, 0.95),
  ];
}

function renderRow(row: Row): string[] {
  const cell = (method: string) => {
    const { lowerQuartile, median, upperQuartile } = row.microseconds[method] ?? row.copiesToIterator;
    return `${median.toFixed(2)} (${lowerQuartile.toFixed(2)}..${upperQuartile.toFixed(2)})`;
  };
  const ratio = row.copiesToIterator.median.toFixed(2);
  return [`${row.what} ${row.sockets}`, cell('tcp-iterator'), cell('descriptor-copies'), ratio];
}

/** Times reading and setting the keepalive options of other processes' sockets, both ways. */
export async function benchmarkHostOptions(): Promise<Report> {
  const measured = await runInOwnNetwork<Measured>('host-options-run.ts');
  const targets = targetsOf(measured);
  const head = ['us a socket (quartiles)', 'iterator', 'copies', 'copies / iterator'];
  const { lowerQuartile, median, upperQuartile } = measured.throughput;
  const note =
    `A process whose sockets were all set ${measured.setsInAWindow.toFixed(1)} times in half a second made ` +
    `${median.toFixed(3)} (${lowerQuartile.toFixed(3)}..${upperQuartile.toFixed(3)}) times the round trips that it ` +
    'made while the setting process was as busy with nothing.';
  const text = [renderTable([head, ...measured.rows.map(renderRow)]), '', wrap(note), '', renderTargets(targets)];
  return { data: { ...measured, targets }, text: text.join('\n') };
}
