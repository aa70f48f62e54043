import { bare, ours, type Variant, variants } from './accept-variants.js';
import { type Child, startChild } from './child.js';
import { type Contestant, pairedRatio, type Rounds, type Spread, spreadOf, takeTurns } from './paired-rounds.js';
import { atLeast, type Report, renderTable, renderTargets } from './report.js';

const connections = 400;
const atOnce = 64;
const rounds = 301;
const warmUps = 20;

interface Row {
  readonly name: Variant;
  readonly connectionsPerSecond: Spread;
  /** Throughput as a share of the bare server's in the same round. */
  readonly timesBare: Spread;
  /** CPU time of the server's process. */
  readonly serverMicroseconds: Spread;
}

interface Measured {
  readonly throughput: Rounds;
  readonly cpu: Rounds;
}

/** A contestant whose rounds are connections per second; CPU time per connection goes to `cpu`. */
async function contest(name: Variant, server: Child, load: Child, cpu: number[]): Promise<Contestant> {
  const port = await server.ready;
  const round = async () => {
    const before = await server.ask({});
    const nanoseconds = await load.ask({ port, connections, atOnce });
    cpu.push(((await server.ask({})) - before) / connections);
    return connections / (nanoseconds / 1e9);
  };
  return { name, round };
}

async function measure(): Promise<Measured> {
  const load = startChild('accept-load.ts', []);
  const servers = variants.map((name) => ({ name, server: startChild('accept-server.ts', [name]) }));
  const cpu = new Map(variants.map((name) => [name as string, [] as number[]]));
  try {
    await load.ready;
    const contestants = servers.map(({ name, server }) => contest(name, server, load, cpu.get(name) ?? []));
    const throughput = await takeTurns(await Promise.all(contestants), rounds, warmUps);
    for (const times of cpu.values()) times.splice(0, warmUps);
    return { throughput, cpu };
  } finally {
    await Promise.all([load, ...servers.map(({ server }) => server)].map((child) => child.end()));
  }
}

function rowsOf({ throughput, cpu }: Measured): Row[] {
  return variants.map((name) => ({
    name,
    connectionsPerSecond: spreadOf(throughput, name),
    timesBare: pairedRatio(throughput, name, bare),
    serverMicroseconds: spreadOf(cpu, name),
  }));
}

function renderRow({ name, connectionsPerSecond, timesBare, serverMicroseconds }: Row): string[] {
  const { lowerQuartile, median, upperQuartile } = timesBare;
  return [
    name,
    connectionsPerSecond.median.toFixed(0),
    median.toFixed(3),
    `${lowerQuartile.toFixed(3)}..${upperQuartile.toFixed(3)}`,
    serverMicroseconds.median.toFixed(1),
  ];
}

/** Counts the connections that a server accepts in a second, with keepalive given to them in several ways. */
export async function benchmarkAccept(): Promise<Report> {
  const rows = rowsOf(await measure());
  const targets = rows
    .filter(({ name }) => ours.includes(name))
    .map(({ name, timesBare }) => atLeast(`${name} / ${bare}`, timesBare.median, 0.97));
  const table = renderTable([['', 'per second', 'x bare', 'quartiles', 'server CPU us'], ...rows.map(renderRow)]);
  const data = { rounds, connectionsPerRound: connections, atOnce, rows, targets };
  return { data, text: [table, '', renderTargets(targets)].join('\n') };
}
