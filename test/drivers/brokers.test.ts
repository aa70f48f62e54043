import { afterAll, beforeAll, describe } from 'vitest';
import { testDriver } from './driver-tests.js';
import { startMosquitto, startNats, startRabbitmq } from './servers/brokers.js';
import type { ServerProgram } from './servers/server-program.js';

describe.concurrent.each([
  { name: 'amqplib', start: startRabbitmq },
  { name: 'mqtt', start: startMosquitto },
  // 2 s after a client has connected, its server sends a first PING, and the next after 2 minutes.
  { name: '@nats-io/transport-node', start: startNats, quietAfterMs: 2500 },
])('driver of a message broker', ({ start, ...test }) => {
  let server: ServerProgram;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.stop());

  testDriver({ ...test, port: () => server.port });
});
