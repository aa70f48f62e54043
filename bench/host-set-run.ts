/** Measures, in a network namespace of its own, setting the live connections of another process. Prints JSON. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Changes, makeChanges, type PlannedChange, setConnections } from '../src/host/change/set.js';
import { listThrough } from '../src/host/list/listing.js';
import { chooseOptionSource } from '../src/host/options/choice.js';
import { type Child, startChild } from './child.js';
import { pairedRatio, type Spread, spreadOf, takeTurns } from './paired-rounds.js';

/** A process may have 20,000 descriptors where this was written; a hundred are for everything else. */
const connections = 19_900;
const rounds = 15;
const warmUps = 2;
const windows = 101;
const cli = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

/** Ways of setting: with the list at hand by either way to the options, list and all, and as a command. */
export type WayName = 'tcp-iterator' | 'descriptor-copies' | 'setConnections' | 'tcp-keepalive set';

export interface SetMeasured {
  readonly connections: number;
  readonly rounds: number;
  readonly windows: number;
  readonly perSecond: Readonly<Record<WayName, Spread>>;
  readonly throughput: Throughput;
}

/** Round trips of the process while something happens, by those right before and after. */
export interface Throughput {
  readonly windowMs: Spread;
  /** While its connections are set. */
  readonly setting: Spread;
  /** While the setting process is as busy with nothing. */
  readonly spinning: Spread;
  readonly settingToSpinning: Spread;
}

let turn = 0;

/** A policy that no connection has yet. */
function nextPolicy() {
  turn += 1;
  return { idle: 30_000 + (turn % 2) * 1000, interval: 5000, count: 3 };
}

function countChanged({ changed, failed }: Changes, idle: number): number {
  if (failed.length > 0) throw new Error(`not set: ${failed[0]?.error}`);
  if (changed.some(({ before, after }) => before.idle === idle || after.idle !== idle)) throw new Error('set in vain');
  return changed.length;
}

/** Sets with the rows at hand. */
function setThrough(method: 'tcp-iterator' | 'descriptor-copies', pid: number): { run(): number; close(): void } {
  const chosen = chooseOptionSource(method);
  if (chosen.source === undefined) throw new Error(chosen.refused[0]?.why);
  const { rows } = listThrough(chosen, { selection: { pid: [pid] } });
  const run = () => {
    const wanted = { ...nextPolicy(), userTimeout: undefined };
    const planned: PlannedChange[] = rows.map((row) => ({ row, wanted }));
    return countChanged(makeChanges(chosen, planned), wanted.idle);
  };
  return { run, close: () => chosen[Symbol.dispose]() };
}

function setAll(pid: number): number {
  const policy = nextPolicy();
  return countChanged(setConnections({ selection: { pid: [pid] } }, policy), policy.idle);
}

function setByCommand(pid: number): number {
  const { idle } = nextPolicy();
  const args = [cli, 'set', `${idle / 1000}:5:3`, '--pid', String(pid), '--json'];
  const { status, stderr } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(`tcp-keepalive set ended with ${status}: ${stderr}`);
  return connections;
}

function perSecond(name: WayName, set: () => number) {
  const round = () => {
    const start = performance.now();
    const count = set();
    const took = performance.now() - start;
    if (count < connections) throw new Error(`${name} set ${count} of ${connections}`);
    return (count * 1000) / took;
  };
  return { name, round };
}

async function measureSpeed(pid: number): Promise<SetMeasured['perSecond']> {
  const iterator = setThrough('tcp-iterator', pid);
  const copies = setThrough('descriptor-copies', pid);
  try {
    const contestants = [
      perSecond('tcp-iterator', iterator.run),
      perSecond('descriptor-copies', copies.run),
      perSecond('setConnections', () => setAll(pid)),
      perSecond('tcp-keepalive set', () => setByCommand(pid)),
    ];
    const measured = await takeTurns(contestants, rounds, warmUps);
    const spreads = contestants.map(({ name }) => [name, spreadOf(measured, name)] as const);
    return Object.fromEntries(spreads) as Record<WayName, Spread>;
  } finally {
    iterator.close();
    copies.close();
  }
}

/** Round trips a millisecond of the busy process meanwhile. */
async function rateDuring(child: Child, action: () => unknown): Promise<number> {
  await child.ask({});
  await action();
  return child.ask({});
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function spin(ms: number): void {
  for (const start = performance.now(); performance.now() - start < ms; );
}

/** Alternates windows in which the process is set, or something else is as busy, with windows in which nothing happens. */
async function measureThroughput(pid: number, child: Child): Promise<Throughput> {
  const setter = setThrough('tcp-iterator', pid);
  let windowMs = 100;
  const windowsMs: number[] = [];
  const setting = () => {
    const start = performance.now();
    setter.run();
    windowMs = performance.now() - start;
    windowsMs.push(windowMs);
  };
  const againstQuiet = (name: string, action: () => void) => ({
    name,
    round: async () => {
      const before = await rateDuring(child, () => pause(windowMs));
      const during = await rateDuring(child, action);
      const after = await rateDuring(child, () => pause(windowMs));
      return (2 * during) / (before + after);
    },
  });
  await child.ask({ traffic: true });
  const contestants = [againstQuiet('setting', setting), againstQuiet('spinning', () => spin(windowMs))];
  const measured = await takeTurns(contestants, windows, 2);
  await child.ask({ traffic: false });
  setter.close();
  return {
    windowMs: spreadOf(new Map([['setting', windowsMs]]), 'setting'),
    setting: spreadOf(measured, 'setting'),
    spinning: spreadOf(measured, 'spinning'),
    settingToSpinning: pairedRatio(measured, 'setting', 'spinning'),
  };
}

/** Every descriptor of a process with its flags, O_NONBLOCK among them. */
function descriptorsOf(pid: number): string {
  const numbers = readdirSync(`/proc/${pid}/fd`).map(Number);
  return numbers
    .sort((a, b) => a - b)
    .map((fd) => `${fd} ${/^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1]}`)
    .join('\n');
}

async function measure(): Promise<SetMeasured> {
  const others = startChild('crowd.ts', ['0']);
  await others.ready;
  const child = startChild('crowd.ts', [String(connections), String(await others.ask({ port: true }))]);
  try {
    const pid = await child.ready;
    const before = descriptorsOf(pid);
    const speed = await measureSpeed(pid);
    const throughput = await measureThroughput(pid, child);
    if (descriptorsOf(pid) !== before) throw new Error('the descriptors of the process are not as they were');
    return { connections, rounds, windows, perSecond: speed, throughput };
  } finally {
    await Promise.all([others.end(), child.end()]);
  }
}

console.log(JSON.stringify(await measure()));
