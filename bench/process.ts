import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startChild } from './child.js';
import { type Contestant, pairedDifference, type Rounds, type Spread, spreadOf, takeTurns } from './paired-rounds.js';
import { atMost, type Report, renderTable, renderTargets } from './report.js';

const startRounds = 61;
const connectRounds = 61;
const warmUps = 3;
const policy = '30:5:3';
const register = fileURLToPath(new URL('../dist/process/register.js', import.meta.url));

const bare = 'bare';
const ours = 'with the policy';

function startContestant(name: string, options: readonly string[]): Contestant {
  const env = { ...process.env, TCP_KEEPALIVE: policy };
  const round = () => {
    const start = performance.now();
    const { status } = spawnSync(process.execPath, [...options, '-e', '0'], { env });
    if (status !== 0) throw new Error(`Node.js ended with ${status}`);
    return performance.now() - start;
  };
  return { name, round };
}

/** Milliseconds from the start of a process that does nothing to its end. */
function measureStart(): Promise<Rounds> {
  const contestants = [startContestant(bare, []), startContestant(ours, ['--import', register])];
  return takeTurns(contestants, startRounds, warmUps);
}

/** Microseconds that an outgoing connection spends in being begun. */
async function measureConnect(): Promise<Rounds> {
  const server = startChild('accept-server.ts', ['bare']);
  const clients = [startChild('connect-client.ts', []), startChild('connect-client.ts', [policy])];
  try {
    const port = await server.ready;
    await Promise.all(clients.map(({ ready }) => ready));
    const contestants = [bare, ours].map((name, index) => ({ name, round: () => clients[index]?.ask({ port }) ?? 0 }));
    return await takeTurns(contestants, connectRounds, warmUps);
  } finally {
    await Promise.all([server, ...clients].map((child) => child.end()));
  }
}

interface Row {
  readonly what: string;
  readonly bare: Spread;
  readonly ours: Spread;
  /** What the policy adds, in the same round. */
  readonly more: Spread;
}

function rowOf(what: string, rounds: Rounds): Row {
  const more = pairedDifference(rounds, ours, bare);
  return { what, bare: spreadOf(rounds, bare), ours: spreadOf(rounds, ours), more };
}

function renderRow({ what, bare: without, ours: withPolicy, more }: Row): string[] {
  const { lowerQuartile, median, upperQuartile } = more;
  const quartiles = `${lowerQuartile.toFixed(1)}..${upperQuartile.toFixed(1)}`;
  return [what, without.median.toFixed(1), withPolicy.median.toFixed(1), median.toFixed(1), quartiles];
}

/** Measures what a policy for the whole process adds to its start and to each connection that it opens. */
export async function benchmarkProcess(): Promise<Report> {
  const start = rowOf('ms to start and end', await measureStart());
  const connect = rowOf('us to begin a connection', await measureConnect());
  const targets = [
    atMost('ms that --import tcp-keepalive/register adds to the start', start.more.median, 20),
    atMost('us that the policy adds to an outgoing connection', connect.more.median, 10),
  ];
  const table = renderTable([['', bare, ours, 'more', 'quartiles'], renderRow(start), renderRow(connect)]);
  const data = { policy, startRounds, connectRounds, rows: [start, connect], targets };
  return { data, text: [table, '', renderTargets(targets)].join('\n') };
}
