import { afterAll, beforeAll, describe } from 'vitest';
import { testDriver } from './driver-tests.js';
import { lacks } from './servers/installed.js';
import { type RedisServer, startRedis } from './servers/redis.js';

describe.skipIf(lacks('redis-server'))('drivers of Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());

  const port = (setting: string) => (setting === 'TLS' ? server.tlsPort : server.port);
  for (const name of ['ioredis', 'redis']) testDriver({ name, port });
});
