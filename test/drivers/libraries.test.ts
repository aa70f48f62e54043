import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listening, portOf } from '../endpoints.js';
import { documentedPlace } from './documented.js';
import { type DriverTest, testDriver } from './driver-tests.js';
import { lacksLibraries } from './servers/installed.js';
import { library, startSmtp, startSocketIo, startSsh } from './servers/library-servers.js';
import { startHttp, startListener, type TestServer } from './servers/node-servers.js';

interface Scene extends Omit<DriverTest, 'port' | 'folder'> {
  readonly start: () => Promise<TestServer>;
}

/** The global agents of Node.js close a connection that was idle for 5 s. */
const lastingAgent = 'new Agent({ keepAlive: true, keepAliveMsecs: 10_000 })';

const scenes: readonly Scene[] = [
  { name: 'kafkajs', start: startListener, handshakeOnly: true },
  { name: 'socket.io-client', start: startSocketIo },
  { name: 'axios', start: startHttp, lasting: `httpAgent: ${lastingAgent}` },
  { name: 'got', start: startHttp, lasting: `agent: { http: ${lastingAgent} }` },
  { name: 'nodemailer', start: startSmtp, lasting: 'pool: true' },
  { name: 'ssh2', start: startSsh },
];

describe.skipIf(lacksLibraries()).concurrent.each(scenes)('a library', ({ start, ...test }) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.stop());

  testDriver({ ...test, folder: 'libraries', port: () => server.port });
});

it.skipIf(lacksLibraries())('socket.io: has the socket of a client where the table says', async () => {
  const server = await listening(http.createServer());
  const { Server } = library('socket.io');
  const io = new Server(server);
  const accepted = once(server, 'connection');
  const connected = once(io, 'connection');
  const client = library('socket.io-client').io(`http://127.0.0.1:${portOf(server)}`, { transports: ['websocket'] });
  const [socket] = await connected;
  const socketOf = new Function('socket', `return ${documentedPlace('socket.io')}`) as (socket: unknown) => net.Socket;
  const [underneath] = await accepted;
  expect(socketOf(socket)).toBe(underneath);
  client.disconnect();
  await io.close();
});
