/** Times, in a network namespace of its own, listing many sockets as whole processes. Prints JSON. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Child, startChild } from './child.js';
import { pairedRatio, type Rounds, type Spread, spreadOf, takeTurns } from './paired-rounds.js';

const commands = {
  'ls --json': ['ls', '--json'],
  'ls --json --fast': ['ls', '--json', '--fast'],
  'ss -tnoip': ['-tnoip'],
  'ss -tnoi': ['-tnoi'],
} as const;

export type CommandName = keyof typeof commands;

export interface SizeResult {
  readonly sockets: number;
  readonly milliseconds: Readonly<Record<CommandName, Spread>>;
  /** The greatest that a run ever had in memory, of some runs. */
  readonly peakMegabytes: Readonly<Record<CommandName, number>>;
  /** In what `ss -tnoip` takes in the same round. */
  readonly toSs: Readonly<Record<CommandName, Spread>>;
}

export interface ListMeasured {
  readonly rounds: number;
  readonly processes: number;
  readonly results: readonly SizeResult[];
}

const names = Object.keys(commands) as CommandName[];
const sizes = [1000, 10_000, 30_000];
const processes = 3;
const passes = 4;
const rounds = 6;
const warmUps = 1;
const cli = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

function commandLine(name: CommandName): [string, ...string[]] {
  return name.startsWith('ss') ? ['ss', ...commands[name]] : [process.execPath, cli, ...commands[name]];
}

/** Makes sure that what is timed lists all the sockets. */
function checkListing(name: CommandName, sockets: number): void {
  const [command, ...rest] = commandLine(name);
  const { status, stdout, stderr } = spawnSync(command, rest, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  const listed = stdout.match(/\bESTAB/g)?.length ?? 0;
  if (status !== 0 || listed < sockets) throw new Error(`${name} lists ${listed} of ${sockets}: ${stderr}`);
}

function runOnce(name: CommandName): number {
  const [command, ...rest] = commandLine(name);
  const start = performance.now();
  const { status } = spawnSync(command, rest, { stdio: 'ignore' });
  const took = performance.now() - start;
  if (status !== 0) throw new Error(`${name} ended with ${status}`);
  return took;
}

function peakMegabytes(name: CommandName): number {
  const timed = ['--format=%M', ...commandLine(name)];
  const { status, stderr } = spawnSync('/usr/bin/time', timed, {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error('measuring memory needs GNU time as /usr/bin/time');
  return Number(stderr.trim().split('\n').at(-1)) / 1024;
}

function forEachName<T>(value: (name: CommandName) => T): Record<CommandName, T> {
  return Object.fromEntries(names.map((name) => [name, value(name)])) as Record<CommandName, T>;
}

interface Pass {
  readonly rounds: Rounds;
  readonly peaks: Readonly<Record<CommandName, number>>;
}

async function measureSize(sockets: number): Promise<Pass> {
  const crowd: Child[] = [];
  try {
    for (let index = 0; index < processes; index += 1) {
      crowd.push(startChild('crowd.ts', [String(Math.ceil(sockets / processes / 2))]));
    }
    await Promise.all(crowd.map(({ ready }) => ready));
    for (const name of names) checkListing(name, sockets);
    const contestants = names.map((name) => ({ name, round: () => runOnce(name) }));
    return { rounds: await takeTurns(contestants, rounds, warmUps), peaks: forEachName(peakMegabytes) };
  } finally {
    await Promise.all(crowd.map((child) => child.end()));
  }
}

/** What was measured of one size in all passes. */
function summary(sockets: number, passes: readonly Pass[]): SizeResult {
  const measured: Rounds = new Map(names.map((name) => [name, passes.flatMap((pass) => pass.rounds.get(name) ?? [])]));
  return {
    sockets,
    milliseconds: forEachName((name) => spreadOf(measured, name)),
    peakMegabytes: forEachName((name) => Math.max(...passes.map(({ peaks }) => peaks[name]))),
    toSs: forEachName((name) => pairedRatio(measured, name, 'ss -tnoip')),
  };
}

// The sizes take turns as well, so that a machine that becomes busier does not look like growth.
const measuredSizes = new Map(sizes.map((size) => [size, [] as Pass[]]));
for (let pass = 0; pass < passes; pass += 1) {
  for (const [size, measured] of measuredSizes) measured.push(await measureSize(size));
}
const results = [...measuredSizes].map(([size, measured]) => summary(size, measured));
const measured: ListMeasured = { rounds: rounds * passes, processes, results };
console.log(JSON.stringify(measured));
