import { afterAll, beforeAll, describe } from 'vitest';
import { type DriverTest, testDriver } from './driver-tests.js';
import { startMosquitto, startNats, startRabbitmq } from './servers/brokers.js';
import { lacks } from './servers/installed.js';
import type { ServerProgram } from './servers/server-program.js';

function testBroker(program: string, start: () => Promise<ServerProgram>, test: Omit<DriverTest, 'port'>): void {
  describe.skipIf(lacks(program))(`driver of ${program}`, { concurrent: true }, () => {
    let server: ServerProgram;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server?.stop());

    testDriver({ ...test, port: () => server.port });
  });
}

testBroker('rabbitmq-server', startRabbitmq, { name: 'amqplib' });
testBroker('mosquitto', startMosquitto, { name: 'mqtt' });
// Some 2 s after a client has connected, its server sends a first PING, and the next after 2 minutes.
testBroker('nats-server', startNats, { name: '@nats-io/transport-node', quietAfterMs: 3500 });
