import { afterAll, beforeAll, describe } from 'vitest';
import { testDriver } from './driver-tests.js';
import { lacks, lacksLibraries } from './servers/installed.js';
import { startMariadb } from './servers/mariadb.js';
import { postgresqlPrograms, startPostgresql } from './servers/postgresql.js';
import { startRedis } from './servers/redis.js';
import type { ServerProgram } from './servers/server-program.js';

const lacksDatabase = [postgresqlPrograms() ?? 'postgresql', 'mariadbd', 'redis-server'].some(lacks);

describe.skipIf(lacksLibraries() || lacksDatabase)('libraries on top of drivers of databases', () => {
  let servers: ServerProgram[] = [];
  beforeAll(async () => {
    servers = await Promise.all([startPostgresql(), startMariadb(), startRedis()]);
  });
  afterAll(() => Promise.all(servers.map((server) => server.stop())));

  const portOf = (index: number) => (servers[index] as ServerProgram).port;
  const port = (setting: string) => portOf(setting.includes('mysql') ? 1 : 0);
  for (const name of ['knex', 'sequelize', 'typeorm', 'prisma']) testDriver({ name, folder: 'libraries', port });
  testDriver({ name: 'bullmq', folder: 'libraries', port: () => portOf(2) });
});
