import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { describe, expect, it, type TestContext, vi } from 'vitest';
import { WebSocket } from 'ws';
import { detectionTime } from '../../src/index.js';
import { readTcpInfo } from '../../src/socket/index.js';
import { crashPeer } from '../../src/testing/index.js';
import { clientTls } from '../endpoints.js';
import { moment } from '../kernel/observation.js';
import { connectionsOf, copyOf, serverEndOf } from './connections.js';
import { ServerProcess } from './server-process.js';

const policy = '1:1:2';

type Connect = (port: number) => net.Socket;

const plain: Connect = (port) => net.connect(port, '127.0.0.1');
const secure: Connect = (port) => tls.connect({ port, host: '127.0.0.1', ...clientTls });

/** Sends something on a new connection, waits for the answer, and gives the connection. */
type Exchange = (port: number) => Promise<net.Socket>;

function exchange(connect: Connect, message: string): Exchange {
  return async (port) => {
    const socket = connect(port).on('error', () => {});
    socket.write(message);
    await once(socket, 'data');
    return socket;
  };
}

const request = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

const viaHttp2: Exchange = async (port) => {
  const socket = plain(port);
  const session = http2.connect('http://localhost', { createConnection: () => socket });
  session.on('error', () => {});
  await text(session.request({ ':path': '/' }));
  return socket;
};

const viaWs: Exchange = async (port) => {
  const socket = plain(port);
  const client = new WebSocket('ws://localhost/', { createConnection: () => socket });
  client.on('error', () => {});
  await once(client, 'open');
  client.send('ping');
  await once(client, 'message');
  return socket;
};

const scenes: readonly [kind: string, exchange: Exchange][] = [
  ['net', exchange(plain, 'ping')],
  ['tls', exchange(secure, 'ping')],
  ['http', exchange(plain, request)],
  ['https', exchange(secure, request)],
  ['http2', viaHttp2],
  ['ws', viaWs],
  ['cluster', exchange(plain, 'ping')],
  ['cluster, round-robin', exchange(plain, 'ping')],
];

/** A server with connections that have been used. */
async function serverWithClients(kind: string, open: Exchange, { onTestFinished }: TestContext, withPolicy?: string) {
  const server = await ServerProcess.start(kind, withPolicy);
  onTestFinished(() => server.end());
  // A cluster's worker may have a handle of the listener, or none.
  const { handles: atRest } = await server.holdings();
  const clients = await Promise.all([1, 2, 3, 4].map(() => open(server.port)));
  onTestFinished(() => {
    for (const client of clients) client.destroy();
  });
  const expectHeld = (count: number) => async () =>
    expect(await server.holdings()).toEqual({ connections: count, handles: atRest + count });
  await vi.waitFor(expectHeld(4), 30_000);
  return { clients, expectHeld };
}

/** Crashes a client, and waits until the server's kernel gives it up. */
async function expectDetection(client: net.Socket): Promise<void> {
  const row = connectionsOf(process.pid, client.remotePort as number).find(
    ({ connection }) => connection.local.port === client.localPort,
  );
  if (row === undefined) throw new Error('the client is not connected');
  const serverEnd = serverEndOf(row);
  using servers = copyOf(serverEnd);
  await moment(() => readTcpInfo(servers.fd).unacked === 0, 'nothing is in flight');
  crashPeer(client);
  const { lastDataReceivedMs, lastAckReceivedMs } = readTcpInfo(servers.fd);
  const lastHeard = performance.now() - Math.min(lastDataReceivedMs, lastAckReceivedMs);
  const range = detectionTime(policy);
  const death = await moment(() => readTcpInfo(servers.fd).state === 'CLOSE', 'the dead client is noticed');
  expect(death.notAfter - lastHeard).toBeGreaterThanOrEqual(range.earliestMs);
  expect(death.notBefore - lastHeard).toBeLessThanOrEqual(range.latestMs + 250);
}

describe.concurrent('servers whose clients crash', () => {
  for (const [kind, open] of scenes) {
    it(`${kind} releases what they held, and only with the policy`, async (context) => {
      const [guarded, unguarded] = await Promise.all([
        serverWithClients(kind, open, context, policy),
        serverWithClients(kind, open, context),
      ]);
      for (const client of unguarded.clients.slice(1)) crashPeer(client);
      await Promise.all(guarded.clients.slice(1).map(expectDetection));
      await vi.waitFor(guarded.expectHeld(1), 30_000);
      await unguarded.expectHeld(4)();
    });
  }
});
