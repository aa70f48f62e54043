/**
 * Loses packets of healthy, quiet connections for a while: at random, and in outages. Prints how many connections ended, as JSON.
 */
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { setKeepAlive } from '../../src/index.js';
import type { PathLoss } from '../../src/policy/model/false-alarm.js';
import { lossyPath } from '../../src/testing/index.js';
import { setReception } from '../../src/testing/reception.js';

/** Connections that lose packets in the same way. */
export interface LossyGroup {
  readonly policy: string;
  readonly path: PathLoss;
}

/** What became of the connections of a group. */
export interface LossyResult extends LossyGroup {
  readonly connections: number;
  readonly ended: number;
  /** How long packets were lost. */
  readonly lossyMs: number;
}

const groups: readonly LossyGroup[] = [
  { policy: '1:1:2', path: { loss: 0.1 } },
  { policy: '1:1:3', path: { loss: 0.25 } },
  { policy: '1:1:2', path: { loss: 0.15, burstMs: 1500 } },
  { policy: '1:1:3', path: { loss: 0.3, burstMs: 2000 } },
];
const perGroup = 150;
const lossyForMs = 15_000;

interface Ends {
  readonly client: net.Socket;
  readonly server: net.Socket;
}

async function connectAll(count: number): Promise<Ends[]> {
  const listener = net.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as net.AddressInfo;
  const accepted = new Map<number | undefined, net.Socket>();
  listener.on('connection', (socket) => accepted.set(socket.remotePort, socket));
  const clients: net.Socket[] = [];
  while (clients.length < count) {
    const client = net.connect(port, '127.0.0.1');
    await once(client, 'connect');
    clients.push(client);
  }
  while (accepted.size < count) await sleep(10);
  for (const socket of [...clients, ...accepted.values()]) socket.on('error', () => {}).resume();
  return clients.map((client) => ({ client, server: accepted.get(client.localPort) as net.Socket }));
}

/** Lets a path be out for exponentially distributed times: the chain of Gilbert and Elliott. */
async function loseInOutages({ client }: Ends, loss: number, burstMs: number): Promise<void> {
  const lasts = (meanMs: number) => sleep(-Math.log(1 - Math.random()) * meanMs);
  for (;;) {
    await lasts((burstMs * (1 - loss)) / loss);
    if (client.destroyed) return;
    setReception(client, 'drop');
    await lasts(burstMs);
    if (client.destroyed) return;
    setReception(client, 'accept');
  }
}

function lose(ends: Ends, { loss, burstMs }: PathLoss): void {
  if (burstMs !== undefined) void loseInOutages(ends, loss, burstMs);
  else for (const socket of [ends.client, ends.server]) lossyPath(socket, { loss });
}

const connections = await connectAll(groups.length * perGroup);
const startedAt = performance.now();
const members = groups.map((group, index) => {
  const own = connections.slice(index * perGroup, (index + 1) * perGroup);
  for (const ends of own) {
    setKeepAlive(ends.server, group.policy);
    lose(ends, group.path);
  }
  return own;
});
await sleep(lossyForMs);
const lossyMs = performance.now() - startedAt;
const results: LossyResult[] = groups.map((group, index) => {
  const errors = (members[index] as Ends[]).map(({ server }) => server.errored as NodeJS.ErrnoException | null);
  const ended = errors.filter((error) => error?.code === 'ETIMEDOUT').length;
  return { ...group, connections: perGroup, ended, lossyMs };
});
console.log(JSON.stringify(results));
process.exit();
