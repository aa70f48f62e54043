import type net from 'node:net';
import { loopbackPair } from 'tcp-keepalive/testing';
import { type CProgram, hasCompiler, startCProgram, withCompiled } from './c-program.js';
import { type Contestant, pairedRatio, type Rounds, type Spread, spreadOf, takeTurns } from './paired-rounds.js';
import { atLeast, atMost, type Report, renderTable, renderTargets, type Target, wrap } from './report.js';
import { type Setting, settings } from './set-contestants.js';
import { callsOfCProgram, callsOfSetting, hasStrace } from './strace.js';

const ours = 'tcp-keepalive';
const floor = 'C program';
const rounds = 41;
const warmUps = 5;
const iterationsInC = 6000;

interface Row {
  readonly name: string;
  readonly microseconds: Spread;
  readonly timesOurs: Spread;
  /** The socket option calls of one setting, in order; `undefined` without strace. */
  readonly calls: readonly string[] | undefined;
  readonly leavesOut: string | undefined;
}

function measure(setting: Setting, socket: net.Socket): Contestant {
  const { name, iterations } = setting;
  const round = () => {
    const start = process.hrtime.bigint();
    for (let turn = 0; turn < iterations; turn += 1) setting.set(socket, turn);
    return Number(process.hrtime.bigint() - start) / iterations / 1000;
  };
  return { name, round };
}

async function measureRounds(program: CProgram | undefined): Promise<Rounds> {
  using pair = await loopbackPair();
  const contestants = settings.map((setting) => measure(setting, pair.client));
  if (program !== undefined) {
    contestants.push({ name: floor, round: async () => (await program.run(iterationsInC)) / 1000 });
  }
  return await takeTurns(contestants, rounds, warmUps);
}

function describeRow(measured: Rounds, name: string, calls: readonly string[] | undefined): Row {
  const leavesOut = settings.find((setting) => setting.name === name)?.leavesOut;
  const timesOurs = pairedRatio(measured, name, ours);
  return { name, microseconds: spreadOf(measured, name), timesOurs, calls, leavesOut };
}

async function measureRows(binary: string | undefined): Promise<{ rows: Row[]; oursToFloor: Spread | undefined }> {
  let measured: Rounds;
  if (binary === undefined) measured = await measureRounds(undefined);
  else {
    await using program = startCProgram(binary);
    measured = await measureRounds(program);
  }
  const canTrace = hasStrace();
  const rows: Row[] = [];
  if (binary !== undefined) {
    rows.push(describeRow(measured, floor, canTrace ? await callsOfCProgram(binary) : undefined));
  }
  for (const { name } of settings) {
    rows.push(describeRow(measured, name, canTrace ? await callsOfSetting(name) : undefined));
  }
  return { rows, oursToFloor: binary === undefined ? undefined : pairedRatio(measured, ours, floor) };
}

function targetsOf(rows: readonly Row[], oursToFloor: Spread | undefined): Target[] {
  const netKeepAlive = rows.find(({ name }) => name === 'net-keepalive')?.timesOurs.median ?? Number.NaN;
  const targets = [atLeast('net-keepalive / tcp-keepalive', netKeepAlive, 5)];
  if (oursToFloor !== undefined) targets.unshift(atMost('tcp-keepalive / C program', oursToFloor.median, 2));
  return targets;
}

function renderRow({ name, microseconds, timesOurs, calls }: Row): string[] {
  const { lowerQuartile, median, upperQuartile } = microseconds;
  const count = (verb: string) => calls?.filter((call) => call.startsWith(verb)).length ?? '?';
  return [
    name,
    median.toFixed(2),
    `${lowerQuartile.toFixed(2)}..${upperQuartile.toFixed(2)}`,
    timesOurs.median.toFixed(2),
    `${count('set')} + ${count('get')}`,
  ];
}

function sameCalls(rows: readonly Row[]): boolean | undefined {
  const [a, b] = [floor, ours].map((wanted) => rows.find(({ name }) => name === wanted)?.calls);
  return a === undefined || b === undefined ? undefined : a.join() === b.join();
}

function render(rows: readonly Row[], targets: readonly Target[]): string {
  const head = ['', 'us a set', 'quartiles', 'x ours', 'set + get calls'];
  const notes = rows.flatMap(({ name, leavesOut }) =>
    leavesOut === undefined ? [] : [`${name} leaves out ${leavesOut}`],
  );
  const isSame = sameCalls(rows);
  if (isSame !== undefined)
    notes.push(`The C program makes the system calls of tcp-keepalive, in its order: ${isSame ? 'yes' : 'NO'}`);
  if (!rows.some(({ name }) => name === floor)) notes.push('There is no cc here, so the C program was left out.');
  return [renderTable([head, ...rows.map(renderRow)]), '', ...notes.map(wrap), '', renderTargets(targets)].join('\n');
}

/** Times one setting of the four options and SO_KEEPALIVE, with read-back, against the peers and C. */
export async function benchmarkSet(): Promise<Report> {
  const { rows, oursToFloor } = hasCompiler() ? await withCompiled(measureRows) : await measureRows(undefined);
  const targets = targetsOf(rows, oursToFloor);
  const data = { rounds, rows, oursToFloor, sameCallsAsC: sameCalls(rows), targets };
  return { data, text: render(rows, targets) };
}
