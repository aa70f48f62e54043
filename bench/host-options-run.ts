/** Measures, in a network namespace of its own, reading and setting other processes' options. Prints JSON. */
import { readdirSync, readlinkSync } from 'node:fs';
import { chooseOptionSource } from '../src/host/options/choice.js';
import type { OptionSource, SocketReference } from '../src/host/options/source.js';
import { copyDescriptor, openProcess } from '../src/native/pidfd.js';
import { readBytesOption, readIntOption } from '../src/native/socket/socket-options.js';
import { type Child, startChild } from './child.js';
import { pairedRatio, type Rounds, type Spread, spreadOf, takeTurns } from './paired-rounds.js';

const iterator = 'tcp-iterator';
const copies = 'descriptor-copies';
const rounds = 15;
const warmUps = 3;
const perProcess = 10_000;
const SO_COOKIE = { name: 'SO_COOKIE', level: 1, option: 57 };
const SO_PROTOCOL = { name: 'SO_PROTOCOL', level: 1, option: 38 };
const IPPROTO_TCP = 6;

export interface Row {
  readonly what: string;
  readonly sockets: number;
  readonly microseconds: Readonly<Record<string, Spread>>;
  readonly copiesToIterator: Spread;
}

export interface Measured {
  readonly rows: readonly Row[];
  /** Round trips of a process whose sockets are set all the time, by those while the setter spins without setting. */
  readonly throughput: Spread;
  readonly setsInAWindow: number;
}

/** The TCP sockets that a process has open, by their cookies. */
function socketsOf(pid: number): SocketReference[] {
  const found: SocketReference[] = [];
  const process = openProcess(pid);
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    if (!readlinkSync(`/proc/${pid}/fd/${name}`).startsWith('socket:')) continue;
    const copy = copyDescriptor(process, Number(name));
    const cookie = new DataView(readBytesOption(copy.fd, SO_COOKIE, 8).buffer).getBigUint64(0, true);
    // The channel to this process is a unix-domain socket.
    if (readIntOption(copy.fd, SO_PROTOCOL) === IPPROTO_TCP)
      found.push({ cookie, holders: [{ pid, fd: Number(name) }] });
    copy.close();
  }
  process.close();
  return found;
}

async function withSockets<T>(
  count: number,
  action: (sockets: SocketReference[], children: Child[]) => T | Promise<T>,
): Promise<T> {
  const children: Child[] = [];
  try {
    for (let left = count; left > 0; left -= perProcess) {
      children.push(startChild('crowd.ts', [String(Math.min(left, perProcess) / 2)]));
    }
    const pids = await Promise.all(children.map(({ ready }) => ready));
    return await action(pids.flatMap(socketsOf), children);
  } finally {
    await Promise.all(children.map((child) => child.end()));
  }
}

function timed(count: number, action: () => void): number {
  const start = process.hrtime.bigint();
  action();
  return Number(process.hrtime.bigint() - start) / 1000 / count;
}

function row(what: string, sockets: number, measured: Rounds): Row {
  const microseconds = { [iterator]: spreadOf(measured, iterator), [copies]: spreadOf(measured, copies) };
  return { what, sockets, microseconds, copiesToIterator: pairedRatio(measured, copies, iterator) };
}

/** Reads the options of all sockets, and looks each up. */
function readAll(source: OptionSource, sockets: readonly SocketReference[]): void {
  const { states } = source.read(sockets);
  for (const { cookie } of sockets) if (states.get(cookie)?.enabled === undefined) missing += 1;
}

let missing = 0;
let turn = 0;

/** Gives all sockets values that they do not have yet. */
function setAll(source: OptionSource, sockets: readonly SocketReference[]): void {
  turn += 1;
  const wanted = { idle: 30_000 + (turn % 2) * 1000, interval: 5000, count: 3 + (turn % 2), userTimeout: undefined };
  const outcomes = source.write(sockets.map((socket) => ({ socket, wanted })));
  for (const { error, after } of outcomes) if (error !== undefined || after?.idle !== wanted.idle) missing += 1;
}

function readRow(sources: Sources, count: number): Promise<Row> {
  return withSockets(count, async (sockets) => {
    const contestants = Object.entries(sources).map(([name, source]) => ({
      name,
      round: () => timed(sockets.length, () => readAll(source, sockets)),
    }));
    return row('read', sockets.length, await takeTurns(contestants, rounds, warmUps));
  });
}

const windowMs = 500;

/** Round trips a millisecond that a busy process makes while something else happens. */
async function rateDuring(child: Child, action: () => void): Promise<number> {
  await child.ask({});
  const start = performance.now();
  do action();
  while (performance.now() - start < windowMs);
  return child.ask({});
}

async function throughputDuring(source: OptionSource, sockets: readonly SocketReference[], child: Child) {
  let sets = 0;
  const contestants = [
    {
      name: 'setting',
      round: () =>
        rateDuring(child, () => {
          setAll(source, sockets);
          sets += 1;
        }),
    },
    { name: 'spinning', round: () => rateDuring(child, () => {}) },
  ];
  await child.ask({ traffic: true });
  const measured = await takeTurns(contestants, 21, 2);
  await child.ask({ traffic: false });
  return { throughput: pairedRatio(measured, 'setting', 'spinning'), setsInAWindow: sets / 23 };
}

type Sources = Readonly<Record<typeof iterator | typeof copies, OptionSource>>;

async function measure(sources: Sources): Promise<Measured> {
  const rows = [];
  for (const count of [1000, 10_000, 30_000]) rows.push(await readRow(sources, count));
  const { setRow, ...disturbance } = await withSockets(20_000, async (sockets, [busy]) => {
    const contestants = Object.entries(sources).map(([name, source]) => ({
      name,
      round: () => timed(sockets.length, () => setAll(source, sockets)),
    }));
    const setRow = row('set', sockets.length, await takeTurns(contestants, rounds, warmUps));
    return { setRow, ...(await throughputDuring(sources[iterator], sockets, busy as Child)) };
  });
  if (missing > 0) throw new Error(`${missing} sockets were not read or not set`);
  return { rows: [...rows, setRow], ...disturbance };
}

function open(method: OptionSource['method']): OptionSource {
  const { source, refused } = chooseOptionSource(method);
  if (source === undefined) throw new Error(refused[0]?.why);
  return source;
}

const sources: Sources = { [iterator]: open(iterator), [copies]: open(copies) };
try {
  console.log(JSON.stringify(await measure(sources)));
} finally {
  for (const source of Object.values(sources)) source[Symbol.dispose]();
}
