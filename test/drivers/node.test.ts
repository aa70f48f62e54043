import { afterAll, beforeAll, describe } from 'vitest';
import { type DriverTest, testDriver } from './driver-tests.js';
import {
  startGrpc,
  startHttp,
  startHttp2,
  startHttps,
  startListener,
  startWs,
  type TestServer,
} from './servers/node-servers.js';

interface Scene extends Omit<DriverTest, 'port'> {
  readonly start: () => Promise<TestServer>;
}

/** The global agents of Node.js close a connection that was idle for 5 s. */
const lasting = 'new Agent({ keepAlive: true, keepAliveMsecs: 10_000 })';

const scenes: readonly Scene[] = [
  { name: 'undici', start: startHttp },
  { name: 'fetch', start: startHttp },
  { name: 'http', start: startHttp, lasting },
  { name: 'https', start: startHttps, lasting },
  { name: 'http2', start: startHttp2 },
  { name: 'ws', start: startWs },
  { name: '@grpc/grpc-js', start: startGrpc },
  { name: 'mongodb', start: startListener, handshakeOnly: true },
  { name: 'tedious', start: startListener, handshakeOnly: true },
];

describe.concurrent.each(scenes)('a client of a server in this process', ({ start, ...test }) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.stop());

  testDriver({ ...test, port: () => server.port });
});
