import type { CommandName, ListMeasured, SizeResult } from './host-list-run.js';
import { runInOwnNetwork } from './own-network.js';
import { atLeast, atMost, type Report, renderTable, renderTargets, type Target } from './report.js';

const names: readonly CommandName[] = ['ls --json', 'ls --json --fast', 'ss -tnoip', 'ss -tnoi'];

/** What each socket more costs, in microseconds, from one size to the next. */
function growth(results: readonly SizeResult[], name: CommandName): number[] {
  return results.slice(1).map((result, index) => {
    const before = results[index] as SizeResult;
    const more = result.milliseconds[name].median - before.milliseconds[name].median;
    return (more * 1000) / (result.sockets - before.sockets);
  });
}

function targetsOf({ sockets, toSs, peakMegabytes }: SizeResult): Target[] {
  return [
    atMost(`ls --json / ss -tnoip, ${sockets} sockets`, toSs['ls --json'].median, 1),
    atLeast(`ss -tnoip / ls --json --fast, ${sockets} sockets`, 1 / toSs['ls --json --fast'].median, 2),
    atMost(`MB in memory at most, ls --json, ${sockets} sockets`, peakMegabytes['ls --json'], 250),
  ];
}

function renderName(results: readonly SizeResult[], name: CommandName): string[] {
  const largest = results.at(-1) as SizeResult;
  return [
    name,
    ...results.map(({ milliseconds }) => milliseconds[name].median.toFixed(1)),
    ...growth(results, name).map((microseconds) => microseconds.toFixed(2)),
    largest.toSs[name].median.toFixed(2),
    largest.peakMegabytes[name].toFixed(1),
  ];
}

/** Times listing the machine's connections, against `ss`, as whole processes. */
export async function benchmarkHostList(): Promise<Report> {
  const measured = await runInOwnNetwork<ListMeasured>('host-list-run.ts');
  const { results } = measured;
  const sizes = results.map(({ sockets }) => String(sockets));
  const head = [
    'ms, medians',
    ...sizes,
    ...sizes.slice(1).map((size) => `us a socket to ${size}`),
    '/ ss -tnoip',
    'peak MB',
  ];
  const usPerSocket = Object.fromEntries(names.map((name) => [name, growth(results, name)]));
  const targets = targetsOf(results.at(-1) as SizeResult);
  const text = [
    renderTable([head, ...names.map((name) => renderName(results, name))]),
    '',
    renderTargets(targets),
  ].join('\n');
  return { data: { ...measured, usPerSocket, targets }, text };
}
