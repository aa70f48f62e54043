import { afterAll, beforeAll, describe } from 'vitest';
import { testDriver } from './driver-tests.js';
import { lacks } from './servers/installed.js';
import { startMariadb } from './servers/mariadb.js';
import type { ServerProgram } from './servers/server-program.js';

describe.skipIf(lacks('mariadbd'))('drivers of MariaDB and MySQL', () => {
  let server: ServerProgram;
  beforeAll(async () => {
    server = await startMariadb();
  });
  afterAll(() => server?.stop());

  for (const name of ['mysql2', 'mariadb']) testDriver({ name, port: () => server.port });
});
