import { afterAll, beforeAll, describe } from 'vitest';
import { testDriver } from './driver-tests.js';
import { lacks } from './servers/installed.js';
import { postgresqlPrograms, startPostgresql } from './servers/postgresql.js';
import type { ServerProgram } from './servers/server-program.js';

describe.skipIf(lacks(postgresqlPrograms() ?? 'postgresql'))('drivers of PostgreSQL', () => {
  let server: ServerProgram;
  beforeAll(async () => {
    server = await startPostgresql();
  });
  afterAll(() => server?.stop());

  for (const name of ['pg', 'postgres']) testDriver({ name, port: () => server.port });
});
