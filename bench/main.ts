import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { benchmarkAccept } from './accept.js';
import { benchmarkDeadWithin } from './dead-within.js';
import { benchmarkHostList } from './host-list.js';
import { benchmarkHostOptions } from './host-options.js';
import { benchmarkHostSet } from './host-set.js';
import { describeMachine, type Machine } from './machine.js';
import { benchmarkModel } from './model.js';
import { benchmarkNativeSockets } from './native-sockets.js';
import { benchmarkOwners } from './owners.js';
import { benchmarkProcess } from './process.js';
import type { Report } from './report.js';
import { benchmarkSet } from './set.js';
import { benchmarkSystemCalls } from './system-calls.js';
import { benchmarkTimeline } from './timeline.js';
import { benchmarkWatch } from './watch.js';
import { benchmarkWatchQuiet } from './watch-quiet.js';

interface Benchmark {
  readonly title: string;
  /** Runs only when it is named: it takes more than a minute. */
  readonly isLong?: true;
  run(): Promise<Report>;
}

const benchmarks: Readonly<Record<string, Benchmark>> = {
  set: { title: 'Setting four options and SO_KEEPALIVE, with read-back', run: benchmarkSet },
  accept: { title: 'Connections accepted per second', run: benchmarkAccept },
  process: { title: 'A policy for a whole process: start-up and connections', run: benchmarkProcess },
  syscalls: { title: 'System calls per accepted connection', run: benchmarkSystemCalls },
  'host-options': { title: "Reading and setting other processes' options", isLong: true, run: benchmarkHostOptions },
  'host-list': { title: "Listing the machine's connections", isLong: true, run: benchmarkHostList },
  'host-set': { title: "Setting another process's live connections", isLong: true, run: benchmarkHostSet },
  'native-sockets': { title: 'Looking for sockets of native code', isLong: true, run: benchmarkNativeSockets },
  owners: { title: 'Finding the processes of all sockets', run: benchmarkOwners },
  model: { title: 'The outcomes of a million connections over an hour', run: benchmarkModel },
  timeline: { title: 'The timeline of 30:5:3 at full size', isLong: true, run: benchmarkTimeline },
  watch: { title: 'Watching idle connections, against heartbeats', isLong: true, run: benchmarkWatch },
  'dead-within': { title: 'Dead peers within 2 s, against heartbeats', isLong: true, run: benchmarkDeadWithin },
  'watch-quiet': { title: 'Ten minutes of healthy idle connections', isLong: true, run: benchmarkWatchQuiet },
};

const names = Object.keys(benchmarks);

function chosenNames(given: readonly string[]): string[] {
  if (given.includes('all')) return names;
  const unknown = given.find((name) => !Object.hasOwn(benchmarks, name));
  if (unknown !== undefined) throw new Error(`there is no benchmark '${unknown}': name ${names.join(', ')} or all`);
  return given.length > 0 ? [...given] : names.filter((name) => benchmarks[name]?.isLong !== true);
}

/** Six digits are more than any of this is exact to. */
const roundNumber = (_key: string, value: unknown) =>
  typeof value === 'number' ? Number(value.toPrecision(6)) : value;

function writeResult(name: string, result: object): void {
  const directory = new URL('results/', import.meta.url);
  mkdirSync(directory, { recursive: true });
  writeFileSync(fileURLToPath(new URL(`${name}.json`, directory)), `${JSON.stringify(result, roundNumber, 2)}\n`);
}

async function run(name: string, machine: Machine): Promise<void> {
  const benchmark = benchmarks[name] as Benchmark;
  console.log(`\n${name}: ${benchmark.title}\n`);
  try {
    const { data, text } = await benchmark.run();
    console.log(text);
    writeResult(name, { benchmark: name, machine, ...data });
  } catch (error) {
    // The other benchmarks still run, but what did not run must not look like success.
    console.error(`${name} failed: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}

async function main(): Promise<void> {
  if (process.platform !== 'linux') throw new Error('the benchmarks run on Linux only');
  const chosen = chosenNames(process.argv.slice(2));
  const machine = describeMachine();
  console.log(`Node.js ${machine.node}, ${machine.platform} kernel ${machine.kernel}, ${machine.cpus} CPUs`);
  for (const name of chosen) await run(name, machine);
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
