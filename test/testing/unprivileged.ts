/** Gives up every privilege and then uses the whole testing kit. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { getKeepAlive, type KeepAliveState, setKeepAlive } from '../../src/index.js';
import { crashPeer, type LossMethod, loopbackPair, lossyPath } from '../../src/testing/index.js';
import { endOf, infoOf, lastSignOfLife, moment } from '../kernel/observation.js';
import { hasIPv6 } from '../peers.js';

export interface UnprivilegedResult {
  readonly userId: number;
  /** The effective capabilities, in hexadecimal. */
  readonly capabilities: string;
  /** What a connection inherited from its listener. */
  readonly inherited: KeepAliveState;
  /** How connections whose peers crashed ended: over IPv4 and, where there is one, IPv6. */
  readonly crashed: readonly (string | undefined)[];
  /** What a peer received when it was revived. */
  readonly revived: string;
  /** Why a filter was refused, or `null`. */
  readonly filterRefusal: string | null;
  readonly lossMethod: LossMethod;
  readonly arrivedThroughLoss: string;
}

const nobody = 65_534;

// Dropped here rather than before Node.js starts, because the project may lie where only root can read.
async function dropPrivileges(): Promise<void> {
  using pair = await loopbackPair();
  getKeepAlive(pair.client);
  if (process.getuid?.() !== 0) return;
  process.setgroups?.([]);
  process.setgid?.(nobody);
  process.setuid?.(nobody);
}

async function inheritedState(): Promise<KeepAliveState> {
  const server = net.createServer();
  setKeepAlive(server, '1:1:1');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [net.Socket];
  const state = getKeepAlive(accepted);
  for (const socket of [client, accepted]) socket.destroy();
  server.close();
  return state;
}

async function crashOver(family: 4 | 6): Promise<string | undefined> {
  using pair = await loopbackPair({ family });
  const end = endOf(pair.server);
  setKeepAlive(pair.server, '1:1:1');
  await lastSignOfLife(pair.client, pair.server);
  crashPeer(pair.client);
  return (await end).code;
}

async function revive(): Promise<string> {
  using pair = await loopbackPair();
  const { client, server } = pair;
  client.setEncoding('utf8');
  const crashed = crashPeer(client);
  server.write('while you were out');
  await moment(() => infoOf(server).retransmits > 0, 'a retransmission');
  crashed.revive();
  const [text] = await once(client, 'data');
  return text;
}

async function refusedFilter(): Promise<string | null> {
  using pair = await loopbackPair();
  try {
    lossyPath(pair.server, { loss: 0.3, method: 'filter' });
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

async function sendThroughLoss() {
  using pair = await loopbackPair();
  const { client, server } = pair;
  let arrivedThroughLoss = '';
  server.on('data', (data) => {
    arrivedThroughLoss += data;
  });
  using path = lossyPath(server, { loss: 0.3, slotMs: 10 });
  client.setNoDelay(true);
  for (let sent = 0; sent < 100; sent += 1) {
    client.write('x');
    await moment(() => infoOf(client).unacked < 10, 'an acknowledgement');
  }
  await moment(() => arrivedThroughLoss.length === 100, 'everything sent');
  return { lossMethod: path.method, arrivedThroughLoss };
}

await dropPrivileges();
const result: UnprivilegedResult = {
  userId: process.getuid?.() ?? 0,
  capabilities: /^CapEff:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '',
  inherited: await inheritedState(),
  crashed: await Promise.all([crashOver(4), crashOver(hasIPv6 ? 6 : 4)]),
  revived: await revive(),
  filterRefusal: await refusedFilter(),
  ...(await sendThroughLoss()),
};
console.log(JSON.stringify(result));
