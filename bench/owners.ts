import { spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { findOwners, ownersByLinks } from '../src/host/owners/owners.js';
import { runningPids } from '../src/host/owners/processes.js';
import { type Child, startChild } from './child.js';
import { type Contestant, pairedRatio, type Rounds, type Spread, spreadOf, takeTurns } from './paired-rounds.js';
import { atMost, type Report, renderTable, renderTargets, wrap } from './report.js';

const ours = 'tcp-keepalive';
const links = 'tcp-keepalive, /proc';
const walk = 'node:fs readlink';
const ss = 'ss -tn';
const ssWithOwners = 'ss -tnp';
const sizes = [1000, 10_000, 30_000] as const;
const processes = 3;
const rounds = 15;
const warmUps = 3;

const notes = [
  `The sockets are TCP connections of ${processes} processes. tcp-keepalive takes the kernel's iterator of open files from ` +
    'some thousands of descriptors on; the second column has it read the links in /proc. It and node:fs run in this ' +
    'process; ss is run as a whole, and what its owners cost is the difference of its two columns.',
];

interface SizeResult {
  readonly sockets: number;
  readonly milliseconds: Readonly<Record<string, Spread>>;
  /** What tcp-keepalive takes, in what the owners cost ss. */
  readonly shareOfSs: Spread;
}

/** Finds the inodes of all sockets in the way that a program without an FFI would. */
function walkWithNode(): number {
  const inodes = new Set<string>();
  for (const pid of readdirSync('/proc').filter((name) => Number.isInteger(Number(name)))) {
    try {
      for (const fd of readdirSync(`/proc/${pid}/fd`)) {
        const link = readlinkSync(`/proc/${pid}/fd/${fd}`);
        if (link.startsWith('socket:[')) inodes.add(link.slice(8, -1));
      }
    } catch {
      // The process, or its descriptor, is gone, or may not be read.
    }
  }
  return inodes.size;
}

function runSs(options: string): number {
  const { status, stdout } = spawnSync('ss', [options], { stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error('comparing with ss needs ss (iproute2)');
  return stdout.length;
}

function timed(name: string, action: () => number, least: number): Contestant {
  const round = () => {
    const start = performance.now();
    const found = action();
    const took = performance.now() - start;
    if (found < least) throw new Error(`${name} found ${found}, not ${least}`);
    return took;
  };
  return { name, round };
}

/** The rounds with one more column: what ss takes for the owners alone. */
function withDifference(measured: Rounds, name: string): Rounds {
  const without = measured.get(ss) ?? [];
  const difference = (measured.get(ssWithOwners) ?? []).map((value, round) => value - (without[round] ?? 0));
  return new Map([...measured, [name, difference]]);
}

async function measureSize(sockets: number): Promise<SizeResult> {
  const crowd: Child[] = [];
  try {
    for (let index = 0; index < processes; index += 1) {
      crowd.push(startChild('crowd.ts', [String(Math.ceil(sockets / processes / 2))]));
    }
    await Promise.all(crowd.map(({ ready }) => ready));
    const contestants = [
      timed(ours, () => findOwners().byInode.size, sockets),
      timed(links, () => ownersByLinks({}, runningPids()).byInode.size, sockets),
      timed(walk, walkWithNode, sockets),
      timed(ss, () => runSs('-tn'), sockets),
      timed(ssWithOwners, () => runSs('-tnp'), sockets),
    ];
    const measured = await takeTurns(contestants, rounds, warmUps);
    const names = contestants.map(({ name }) => name);
    return {
      sockets,
      milliseconds: Object.fromEntries(names.map((name) => [name, spreadOf(measured, name)])),
      shareOfSs: pairedRatio(withDifference(measured, 'owners in ss'), ours, 'owners in ss'),
    };
  } finally {
    await Promise.all(crowd.map((child) => child.end()));
  }
}

function renderRow({ sockets, milliseconds, shareOfSs }: SizeResult): string[] {
  const medians = [ours, links, walk, ss, ssWithOwners].map((name) => milliseconds[name]?.median.toFixed(1) ?? '');
  return [String(sockets), ...medians, shareOfSs.median.toFixed(2)];
}

/** Times finding the processes of all sockets, against `ss` and against Node.js's own file system. */
export async function benchmarkOwners(): Promise<Report> {
  const results: SizeResult[] = [];
  for (const size of sizes) results.push(await measureSize(size));
  const largest = results.at(-1) as SizeResult;
  const targets = [atMost(`tcp-keepalive / owners in ss, ${largest.sockets} sockets`, largest.shareOfSs.median, 1)];
  const head = ['sockets, medians in ms', ours, links, walk, ss, ssWithOwners, 'ours / owners in ss'];
  const text = [
    renderTable([head, ...results.map(renderRow)]),
    '',
    ...notes.map(wrap),
    '',
    renderTargets(targets),
  ].join('\n');
  return { data: { rounds, processes, results, targets }, text };
}
