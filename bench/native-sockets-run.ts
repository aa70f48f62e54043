/** Measures what looking for sockets of native code takes, in a network namespace of its own. Prints JSON. */
import { startChild } from './child.js';
import { pairedDifference, type Spread, spreadOf, takeTurns } from './paired-rounds.js';

const rounds = 4;
const warmUps = 1;
/** Three or four passes over the descriptors. */
const roundMs = 5000;
/** So that each pass has to look at every descriptor: without a new connection it looks at one in 32. */
const opensEveryMs = 300;

const crowds = [
  { native: 0, node: 10_000 },
  { native: 10_000, node: 0 },
  { native: 5000, node: 5000 },
] as const;

export interface Row {
  /** How many connections native code and Node.js have. */
  readonly native: number;
  readonly node: number;
  /** Whether connections are opened meanwhile. */
  readonly isOpening: boolean;
  /** Shares of a core, in percent. */
  readonly without: Spread;
  readonly looking: Spread;
  readonly more: Spread;
}

export interface NativeSocketsMeasured {
  readonly rounds: number;
  readonly roundMs: number;
  readonly opensEveryMs: number;
  readonly rows: readonly Row[];
}

type Clients = readonly ReturnType<typeof startChild>[];

async function measureRow(clients: Clients, isOpening: boolean): Promise<Omit<Row, 'native' | 'node'>> {
  const request = { forMs: roundMs, ...(isOpening && { opensEveryMs }) };
  const contestants = (['without', 'looking'] as const).map((name, index) => ({
    name,
    round: async () => 100 * ((await clients[index]?.ask(request)) ?? Number.NaN),
  }));
  const measured = await takeTurns(contestants, rounds, warmUps);
  const [without, looking] = [spreadOf(measured, 'without'), spreadOf(measured, 'looking')];
  return { isOpening, without, looking, more: pairedDifference(measured, 'looking', 'without') };
}

async function measure({ native, node }: (typeof crowds)[number]): Promise<Row[]> {
  const servers = ['off', 'on'].map((state) => ({ state, server: startChild('idle-server.ts', ['tcp']) }));
  const clients = await Promise.all(
    servers.map(async ({ state, server }) =>
      startChild('native-sockets-clients.ts', [String(native), String(node), String(await server.ready), state]),
    ),
  );
  try {
    await Promise.all(clients.map(({ ready }) => ready));
    const idle = await measureRow(clients, false);
    return [idle, await measureRow(clients, true)].map((row) => ({ native, node, ...row }));
  } finally {
    await Promise.all([...clients, ...servers.map(({ server }) => server)].map((child) => child.end()));
  }
}

const rows: Row[] = [];
for (const crowd of crowds) rows.push(...(await measure(crowd)));
console.log(JSON.stringify({ rounds, roundMs, opensEveryMs, rows } satisfies NativeSocketsMeasured));
