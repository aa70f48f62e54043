import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { describe, expect, it, type TestContext, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { ConnectionRow } from '../../src/host/list/row.js';
import { detectionTime } from '../../src/index.js';
import type { OwnedDescriptor } from '../../src/native/owned-descriptor.js';
import { readTcpInfo } from '../../src/socket/tcp-info.js';
import { setReception } from '../../src/testing/reception.js';
import { abort, clientTls } from '../endpoints.js';
import { expectElapsed } from '../kernel/expectation.js';
import { infoOf, lastHeard, moment } from '../kernel/observation.js';
import { acceptedOn, copyOf } from './connections.js';
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
  const { handles: atRest, ...others } = await server.holdings();
  expect(others).toEqual({ connections: 0 });
  const clients = await Promise.all([1, 2, 3, 4].map(() => open(server.port)));
  onTestFinished(() => {
    for (const client of clients) abort(client);
  });
  const expectHeld = (count: number) => async () =>
    expect(await server.holdings()).toEqual({ connections: count, handles: atRest + count });
  await vi.waitFor(expectHeld(4), 20_000);
  return { port: server.port, clients, expectHeld };
}

async function crashAllButOne(
  { port, clients }: { port: number; clients: readonly net.Socket[] },
  crashOne: (client: net.Socket, row: ConnectionRow) => Promise<void>,
): Promise<void> {
  const accepted = acceptedOn(port);
  const rowOf = (client: net.Socket) => accepted.get(client.localPort as number) as ConnectionRow;
  await Promise.all(clients.slice(1).map((client) => crashOne(client, rowOf(client))));
}

/** Crashes a client, once nothing is in flight. */
async function crash(client: net.Socket, serverEnd: OwnedDescriptor): Promise<void> {
  const isSettled = () => infoOf(client).unacked === 0 && readTcpInfo(serverEnd.fd).unacked === 0;
  await moment(isSettled, 'nothing is in flight');
  setReception(client, 'drop');
}

/** Crashes a client, and waits until the server's kernel gives it up. */
async function expectDetection(client: net.Socket, row: ConnectionRow): Promise<void> {
  using serverEnd = copyOf(row);
  await crash(client, serverEnd);
  const heard = lastHeard(serverEnd.fd);
  const death = await moment(() => readTcpInfo(serverEnd.fd).state === 'CLOSE', 'the dead client is noticed');
  expectElapsed(heard, death, detectionTime(policy));
}

async function crashOnly(client: net.Socket, row: ConnectionRow): Promise<void> {
  using serverEnd = copyOf(row);
  await crash(client, serverEnd);
}

describe.concurrent('servers whose clients crash', () => {
  for (const [kind, open] of scenes) {
    it(`${kind} releases what they held, and only with the policy`, async (context) => {
      const [guarded, unguarded] = await Promise.all([
        serverWithClients(kind, open, context, policy),
        serverWithClients(kind, open, context),
      ]);
      await crashAllButOne(unguarded, crashOnly);
      await crashAllButOne(guarded, expectDetection);
      await vi.waitFor(guarded.expectHeld(1), 20_000);
      await unguarded.expectHeld(4)();
    });
  }
});
