import { once } from 'node:events';
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { getKeepAlive, setKeepAlive } from '../../src/index.js';
import { timerRange } from '../kernel/observation.js';
import { kernelRow } from '../kernel/proc.js';

const connections = 20;
/** /proc/net/tcp counts in hundredths of a second. */
const userTickMs = 10;
const wanted = { enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: 0 };

/** When the test began: no connection's timer can have run for longer. */
let beganAt: number;
beforeEach(() => {
  beganAt = performance.now();
});

const opened: net.Socket[] = [];
const servers: net.Server[] = [];

afterEach(() => {
  for (const socket of opened.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** Connects a number of clients to a server and gives the ends that it accepted. */
async function acceptMany(server: net.Server): Promise<net.Socket[]> {
  servers.push(server);
  const accepted: net.Socket[] = [];
  server.on('connection', (socket) => accepted.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const clients = Array.from({ length: connections }, () => net.connect(port, '127.0.0.1'));
  opened.push(...clients);
  await Promise.all(clients.map((client) => once(client, 'connect')));
  while (accepted.length < connections) await once(server, 'connection');
  opened.push(...accepted);
  return accepted;
}

/** Asserts what getsockopt says, and what the kernel says elsewhere: that the socket's keepalive timer runs. */
function expectKeepAlive(sockets: readonly net.Socket[]): void {
  expect(sockets).toHaveLength(connections);
  for (const socket of sockets) {
    expect(getKeepAlive(socket)).toEqual(wanted);
    const { timer, expiresMs } = kernelRow(socket);
    expect(timer).toBe('keepalive');
    expect(expiresMs).toBeGreaterThan(wanted.idle - (performance.now() - beganAt) - userTickMs);
    expect(expiresMs).toBeLessThanOrEqual(timerRange(wanted.idle).latestMs);
  }
}

describe('article 1: a server gives every connection that it accepts keepalive 30 s, 5 s, 3', () => {
  it('set on each connection in the loop that accepts them', async () => {
    const server = net.createServer((socket) => {
      expect(getKeepAlive(socket).enabled).toBe(false);
      expect(setKeepAlive(socket, '30:5:3')).toEqual(wanted);
    });
    expectKeepAlive(await acceptMany(server));
  });

  it('set once on the listener and inherited', async () => {
    const server = net.createServer();
    setKeepAlive(server, '30:5:3');
    const accepted = await acceptMany(server);
    expect(getKeepAlive(server)).toEqual(wanted);
    expectKeepAlive(accepted);
  });

  it('set once on a listener that listens already, for the connections from then on', async () => {
    const server = net.createServer();
    server.on('listening', () => {
      expect(setKeepAlive(server, '30:5:3')).toEqual({ ...wanted, connections: 'inherited' });
    });
    expectKeepAlive(await acceptMany(server));
  });

  it('and to none without a policy', async () => {
    const [accepted] = await acceptMany(net.createServer());
    if (accepted === undefined) throw new Error('nothing was accepted');
    expect(getKeepAlive(accepted).enabled).toBe(false);
    expect(kernelRow(accepted).timer).toBe('none');
  });
});
