/**
 * Accepts many connections, gives each a keepalive policy, and prints what became of descriptors and threads.
 *
 * Arguments: `each` or `listener` for where the policy is set, and the number of connections.
 */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import koffi from 'koffi';
import { getKeepAlive, setKeepAlive } from '../../src/index.js';
import { descriptorOf } from '../../src/node/handle.js';

/** What one look at the process shows. */
export interface ProcessState {
  readonly threads: number;
  readonly descriptors: number;
}

export interface ManyConnectionsResult {
  readonly accepted: number;
  /** How many have the policy, by getsockopt. */
  readonly withPolicy: number;
  /** Every distinct value of fcntl(F_GETFL) among the accepted sockets before and after the policy was set. */
  readonly flagsBefore: readonly number[];
  readonly flagsAfter: readonly number[];
  readonly listenerFlagsBefore: number;
  readonly listenerFlagsAfter: number;
  readonly before: ProcessState;
  readonly during: ProcessState;
  readonly after: ProcessState;
}

const [where, countText] = process.argv.slice(2);
const count = Number(countText);
const policy = '30:5:3';
const connectingAtOnce = 100;

// F_GETFL takes no third argument, so the variadic function is called with its two fixed ones.
const fcntl = koffi.load(null).func('int fcntl(int, int, ...)');
const F_GETFL = 3;

function flagsOf(endpoint: net.Socket | net.Server): number {
  return fcntl(descriptorOf(endpoint), F_GETFL) as number;
}

function processState(): ProcessState {
  const threads = /^Threads:\s*(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  // The listing's own descriptor is in the list.
  return { threads: Number(threads), descriptors: readdirSync('/proc/self/fd').length - 1 };
}

const accepted: net.Socket[] = [];
const clients: net.Socket[] = [];
const flagsBefore = new Set<number>();

async function connect(port: number, howMany: number): Promise<void> {
  const wanted = accepted.length + howMany;
  const added = Array.from({ length: howMany }, () => net.connect(port, '127.0.0.1'));
  clients.push(...added);
  await Promise.all(added.map((client) => once(client, 'connect')));
  while (accepted.length < wanted) await once(server, 'connection');
}

async function closeAll(): Promise<void> {
  const sockets = [...clients.splice(0), ...accepted.splice(0)];
  const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  // RST rather than FIN: no port is left in TIME_WAIT.
  for (const socket of sockets) socket.resetAndDestroy();
  await Promise.all(closed);
}

const server = net.createServer((socket) => {
  socket.on('error', () => {});
  accepted.push(socket);
  flagsBefore.add(flagsOf(socket));
  if (where === 'each') setKeepAlive(socket, policy);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as net.AddressInfo;
const listenerFlagsBefore = flagsOf(server);
if (where === 'listener') setKeepAlive(server, policy);

// Once around, so that everything that is loaded on first use is there.
await connect(port, 1);
await closeAll();

/** The state once what loaded this program has ended its threads. */
async function settledState(): Promise<ProcessState> {
  let state = processState();
  for (let looks = 0, same = 0; looks < 100 && same < 10; looks += 1) {
    await sleep(50);
    const now = processState();
    same = now.threads === state.threads && now.descriptors === state.descriptors ? same + 1 : 0;
    state = now;
  }
  return state;
}

const before = await settledState();
while (accepted.length < count) await connect(port, Math.min(connectingAtOnce, count - accepted.length));
const during = processState();
const states = accepted.map((socket) => JSON.stringify(getKeepAlive(socket)));
const expected = JSON.stringify({ enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: 0 });
const partial = {
  accepted: accepted.length,
  withPolicy: states.filter((state) => state === expected).length,
  flagsBefore: [...flagsBefore],
  flagsAfter: [...new Set(accepted.map(flagsOf))],
  listenerFlagsBefore,
  listenerFlagsAfter: flagsOf(server),
};
await closeAll();
const after = processState();
server.close();
const result: ManyConnectionsResult = { ...partial, before, during, after };
console.log(JSON.stringify(result));
