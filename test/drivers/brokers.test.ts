import { afterAll, beforeAll, describe } from 'vitest';
import { type DriverTest, testDriver } from './driver-tests.js';
import { startMosquitto, startNats, startRabbitmq } from './servers/brokers.js';
import type { ServerProgram } from './servers/server-program.js';

// The server sends a first PING about 2 s after a client connects.
const hasPinged: DriverTest['isQuiet'] = ({ connection: { info } }) =>
  info !== undefined && (info.segmentsIn ?? 0) > 0 && info.lastDataSentMs > 300;

describe.each([
  { name: 'amqplib', start: startRabbitmq },
  { name: 'mqtt', start: startMosquitto },
  { name: '@nats-io/transport-node', start: startNats, isQuiet: hasPinged },
])('driver of a message broker', ({ start, ...test }) => {
  let server: ServerProgram;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.stop());

  testDriver({ ...test, port: () => server.port });
});
