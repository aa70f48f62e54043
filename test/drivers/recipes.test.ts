import { writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detectionTime, setKeepAlive } from '../../src/index.js';
import { crashPeer } from '../../src/testing/index.js';
import { namedBlock } from '../docs/blocks.js';
import { Scratch } from '../docs/scratch.js';
import { listening, portOf } from '../endpoints.js';
import { expectElapsed } from '../kernel/expectation.js';
import { moment, thisMoment } from '../kernel/observation.js';
import { connectionsOf, crashServerOf } from './connections.js';
import { DriverProcess } from './driver-process.js';
import { lacks, lacksLibraries } from './servers/installed.js';
import { library } from './servers/library-servers.js';
import { mariadbUser, startMariadb } from './servers/mariadb.js';
import { postgresqlPrograms, startPostgresql } from './servers/postgresql.js';
import type { ServerProgram } from './servers/server-program.js';

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** What the block of docs/recipes.md exports, in a file of a user's project. */
async function recipe(name: string, edit = (code: string) => code) {
  const { code, language } = namedBlock('docs/recipes.md', name);
  const file = path.join(scratch.subdirectory(), `${name}.${language === 'cjs' ? 'cjs' : 'mjs'}`);
  writeFileSync(file, edit(code));
  return import(pathToFileURL(file).href);
}

/** With the probes of a test: the first of them unanswered makes a peer suspect. */
function withShortIdle(code: string): string {
  expect(code).toContain("'30:5:3:auto'");
  return code.replace("'30:5:3:auto'", "'1:1:20'");
}

/** A connection is used again while the server lives, and is replaced once it is dead. */
async function expectReplaced({ port }: ServerProgram, sessionOf: () => Promise<number>, untilSilentMs: number) {
  const rows = () => connectionsOf(process.pid, port);
  const first = await sessionOf();
  await sleep(1200);
  expect(await sessionOf()).toBe(first);
  // Sequelize asks for the version over a connection that it then closes.
  await moment(() => rows().length === 1, 'one connection is left');
  for (const row of rows()) crashServerOf(row);
  await sleep(untilSilentMs);
  expect(await sessionOf()).not.toBe(first);
  // What is still open may fail later, where nobody listens any more.
  await moment(() => rows().length === 1, 'the dead connection is closed');
}

const lacksServer = lacks(postgresqlPrograms() ?? 'postgresql') || lacks('mariadbd');

describe.skipIf(lacksServer || lacksLibraries())('recipes for pools', () => {
  let [postgresql, mariadb]: ServerProgram[] = [];
  beforeAll(async () => {
    [postgresql, mariadb] = await Promise.all([startPostgresql(), startMariadb()]);
  });
  afterAll(() => Promise.all([postgresql?.stop(), mariadb?.stop()]));

  const account = { pg: { user: 'postgres' }, mysql2: mariadbUser } as const;
  const query = { pg: 'select pg_backend_pid() as id', mysql2: 'select connection_id() as id' } as const;
  const serverOf = (client: 'pg' | 'mysql2') => (client === 'pg' ? postgresql : mariadb) as ServerProgram;

  it.each(['pg', 'mysql2'] as const)('knex discards a dead connection of %s before use', async (client) => {
    const server = serverOf(client);
    const { pool } = await recipe('knex');
    const connection = { host: '127.0.0.1', port: server.port, ...account[client] };
    const db = library('knex')({ client, connection, pool: { min: 0, max: 1, ...pool } });
    const sessionOf = async () => {
      const answer = await db.raw(query[client]);
      return (answer.rows ?? answer[0])[0].id;
    };
    await expectReplaced(server, sessionOf, 1200);
    await db.destroy();
  });

  it.each(['pg', 'mysql2'] as const)('Sequelize discards a dead connection of %s before use', async (client) => {
    const server = serverOf(client);
    const { options } = await recipe('sequelize', withShortIdle);
    const { Sequelize } = library('sequelize');
    const { user, ...more } = { password: undefined, ...account[client] };
    const sequelize = new Sequelize({
      dialect: client === 'pg' ? 'postgres' : 'mysql',
      host: '127.0.0.1',
      port: server.port,
      username: user,
      ...more,
      logging: false,
      hooks: options.hooks,
      pool: { max: 1, idle: 600_000, ...options.pool },
    });
    const sessionOf = async () => (await sequelize.query(query[client]))[0][0].id;
    await expectReplaced(server, sessionOf, 4000);
    await sequelize.close();
  });

  it.each(['typeorm', 'prisma'])('%s: a query in flight fails, and the next succeeds', async (name) => {
    const server = postgresql as ServerProgram;
    const driver = await DriverProcess.start(`libraries/${name}`, { TCP_KEEPALIVE: '1:1:2:auto' });
    try {
      await driver.open(server.port);
      await driver.use();
      const [row] = connectionsOf(driver.pid, server.port);
      if (row === undefined) throw new Error(`${name} is not connected`);
      crashServerOf(row);
      const sent = thisMoment();
      const failed = expect(driver.use()).rejects.toThrow();
      const [{ connection }] = [row];
      const isGone = () =>
        !connectionsOf(driver.pid, server.port).some((other) => other.connection.cookie === connection.cookie);
      const gone = await moment(isGone, `${name} gives the connection up`);
      await failed;
      expectElapsed(sent, gone, detectionTime('1:1:2:auto', 'data-in-flight'));
      await driver.use();
    } finally {
      await driver.end();
    }
  });

  it('a proxy makes the database of a pool vanish, also in the middle of a query', async () => {
    const policy = '1:1:2:auto';
    const { crashableProxy } = await recipe('proxy');
    const proxy = await crashableProxy(serverOf('pg').port);
    const { default: pg } = await import(String('pg'));
    const pool = new pg.Pool({ host: '127.0.0.1', port: proxy.port, user: 'postgres', max: 2 });
    // biome-ignore lint/suspicious/noExplicitAny: the package has no types here
    pool.on('connect', (client: any) => setKeepAlive(client.connection.stream, policy));
    pool.on('error', () => {});
    await Promise.all([pool.query('select pg_sleep(0.2)'), pool.query('select pg_sleep(0.2)')]);
    const running = expect(pool.query('select pg_sleep(2)')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    await sleep(100);
    proxy.crash();
    const crashed = thisMoment();
    await expect(pool.query('select 1')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    expectElapsed(crashed, thisMoment(), detectionTime(policy, 'data-in-flight'));
    await running;
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    proxy.crash();
    await moment(() => pool.totalCount === 0, 'the idle connection leaves the pool');
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    proxy.close();
    await pool.end();
    await expect(fetch(`http://127.0.0.1:${proxy.port}`)).rejects.toThrow();
  });
});

it.skipIf(lacksLibraries())('socket.io: the lost user is offline, with the reason, and the others stay', async () => {
  const { onlineUsers } = await recipe('online');
  const server = await listening(http.createServer());
  const { Server } = library('socket.io');
  const io = new Server(server, { pingInterval: 600_000 });
  const offline: unknown[] = [];
  const online: Map<string, string> = onlineUsers(io, (...what: unknown[]) => offline.push(what), '1:1:2', '3s');
  const join = (name: string, transports?: readonly string[]) =>
    library('socket.io-client').io(`http://127.0.0.1:${portOf(server)}`, {
      auth: { name },
      transports,
      reconnection: false,
    });
  const users = [join('polls first'), join('lost', ['websocket']), join('quiet', ['websocket'])];
  await Promise.all(users.map((user) => moment(() => user.io.engine?.transport?.name === 'websocket', 'a WebSocket')));
  await moment(() => online.size === 3, 'three users are there');
  crashPeer(users[1].io.engine.transport.ws._socket);
  crashPeer(users[0].io.engine.transport.ws._socket);
  const crashed = thisMoment();
  await moment(() => online.size === 1, 'the two are offline');
  expect(thisMoment().notAfter - crashed.notBefore).toBeGreaterThan(2000);
  expect([...online.values()]).toEqual(['quiet']);
  expect(offline.sort()).toEqual([
    ['lost', 'keepalive'],
    ['polls first', 'keepalive'],
  ]);
  for (const user of users) user.disconnect();
  await io.close();
});
