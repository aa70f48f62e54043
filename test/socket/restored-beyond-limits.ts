/**
 * Run in a network namespace of its own whose default of idle is more than a socket can be given: changes connections that
 * follow it, and gives each its state back, here and as another program.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { getKeepAlive, type KeepAliveState, setKeepAlive } from '../../src/index.js';
import { listConnections, parseSelection, setConnections } from '../../src/linux.js';
import { loopbackPair } from '../../src/testing/index.js';

export interface RestoredBeyondLimits {
  readonly before: KeepAliveState;
  readonly own: KeepAliveState;
  readonly host: { readonly failed: readonly string[]; readonly after: KeepAliveState };
  readonly refused: string;
  /** A socket that got the state before it was connected. */
  readonly pending: KeepAliveState;
}

writeFileSync('/proc/sys/net/ipv4/tcp_keepalive_time', '86400');
using pair = await loopbackPair();
const { client } = pair;
setKeepAlive(client, true);
const before = getKeepAlive(client);

setKeepAlive(client, { interval: 9000, count: 5, userTimeout: '45s', rtoMax: '5s', enabled: false });
setKeepAlive(client, JSON.parse(JSON.stringify(before)) as KeepAliveState);
const own = getKeepAlive(client);

const selection = parseSelection({ port: `local:${client.localPort}` });
const [row] = listConnections({ selection }).rows;
setKeepAlive(client, { count: 4, rtoMax: '5s' });
const { failed } = setConnections({ selection }, row?.keepAlive as KeepAliveState);
const host = { failed: failed.map(({ error }) => error), after: getKeepAlive(client) };

setKeepAlive(client, { idle: '30s' });
let refused = '';
try {
  setKeepAlive(client, before);
} catch (error) {
  refused = (error as Error).message;
}

const later = new net.Socket();
setKeepAlive(later, before);
const server = net.createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
later.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
await once(later, 'connect');
const pending = getKeepAlive(later);
later.destroy();
server.close();
const result: RestoredBeyondLimits = { before, own, host, refused, pending };
console.log(JSON.stringify(result));
