import { execFile } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, type TestContext } from 'vitest';
import { formatPolicy } from '../../src/index.js';
import type { KeepAliveState } from '../../src/socket/state.js';
import { abort } from '../endpoints.js';
import { moment } from '../kernel/observation.js';
import { acceptedState, describeState } from './connections.js';
import { tableUnder } from './documented.js';
import { startMosquitto, startNats, startRabbitmq } from './servers/brokers.js';
import { lacks } from './servers/installed.js';
import { startMariadb } from './servers/mariadb.js';
import { postgresqlPrograms, startPostgresql } from './servers/postgresql.js';
import { startHaproxy, startNginx } from './servers/proxies.js';
import { startRedis } from './servers/redis.js';
import type { ServerProgram } from './servers/server-program.js';

const run = promisify(execFile);
const command = path.resolve(import.meta.dirname, '../../dist/cli/main.js');

interface Scene {
  /** Its name and version in docs/services.md. */
  readonly name: string;
  readonly program: string;
  readonly start: (settings?: readonly string[]) => Promise<ServerProgram>;
  /** What a client has to say before the server says anything. */
  readonly greeting?: string;
  /** With its settings for 30:5:3, as docs/services.md names them. */
  readonly settings?: readonly string[];
}

const request = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

const scenes: readonly Scene[] = [
  {
    name: 'PostgreSQL 15',
    program: postgresqlPrograms() ?? 'postgresql',
    start: startPostgresql,
    // SSLRequest (PostgreSQL's documentation, 55.7)
    greeting: '\0\0\0\x08\x04\xd2\x16\x2f',
    settings: [
      'tcp_keepalives_idle=30',
      'tcp_keepalives_interval=5',
      'tcp_keepalives_count=3',
      'tcp_user_timeout=45000',
    ],
  },
  {
    name: 'MariaDB 10.11',
    program: 'mariadbd',
    start: startMariadb,
    settings: ['tcp_keepalive_time=30', 'tcp_keepalive_interval=5', 'tcp_keepalive_probes=3'],
  },
  {
    name: 'Redis 7.0',
    program: 'redis-server',
    start: (settings = []) => startRedis(settings),
    greeting: 'PING\r\n',
    settings: ['tcp-keepalive 30'],
  },
  {
    name: 'nginx 1.22',
    program: 'nginx',
    start: startNginx,
    greeting: request,
    settings: ['so_keepalive=30:5:3'],
  },
  {
    name: 'HAProxy 2.6',
    program: 'haproxy',
    start: startHaproxy,
    greeting: request,
    settings: ['tcp-ut 45s', 'option clitcpka', 'clitcpka-idle 30s', 'clitcpka-intvl 5s', 'clitcpka-cnt 3'],
  },
  // CONNECT with an empty client identifier and a clean session (MQTT 3.1.1, 3.1)
  {
    name: 'mosquitto 2.0',
    program: 'mosquitto',
    start: startMosquitto,
    greeting: '\x10\x0c\0\x04MQTT\x04\x02\0\0\0\0',
  },
  {
    name: 'RabbitMQ 3.10',
    program: 'rabbitmq-server',
    start: startRabbitmq,
    greeting: 'AMQP\0\0\x09\x01',
    settings: ['tcp_listen_options.keepalive = true'],
  },
  { name: 'NATS 2.9', program: 'nats-server', start: startNats },
];

/** What the server's end of a new connection has, once the server has answered. */
async function measure({ port }: ServerProgram, greeting: string | undefined): Promise<string> {
  const client = net.connect(port, '127.0.0.1').on('error', () => {});
  if (greeting !== undefined) client.write(greeting, 'latin1');
  await once(client, 'data');
  await moment(() => acceptedState(client) !== undefined, 'the options of the server are read');
  const state = acceptedState(client) as KeepAliveState;
  abort(client);
  const { enabled, ...numbers } = state;
  return enabled && state.userTimeout > 0 ? formatPolicy(numbers) : describeState(state);
}

async function started({ start }: Scene, { onTestFinished }: TestContext, settings?: readonly string[]) {
  const server = await start(settings);
  onTestFinished(() => server.stop());
  return server;
}

async function setListener({ port }: ServerProgram, policy = '60:10:6:90s'): Promise<void> {
  await run(process.execPath, [command, 'set', policy, '--port', `local:${port}`, '--state', 'listen']);
}

describe('servers of Debian, seen from outside', () => {
  const rows = tableUnder('What a listener passes on', 'services.md');
  const own = tableUnder("The server's own setting", 'services.md');
  for (const scene of scenes) {
    const { name, program, greeting, settings } = scene;
    const skipped = lacks(program);

    it.skipIf(skipped)(`${name}: connections have what the table says, before and after set`, async (context) => {
      const server = await started(scene, context);
      const before = await measure(server, greeting);
      await setListener(server, '30:5:3:auto');
      const after = await measure(server, greeting);
      expect([name, before, after]).toEqual(rows.find(([documented]) => documented === name)?.slice(0, 3));
    });

    if (settings === undefined) continue;
    it.skipIf(skipped)(`${name}: has what its own settings say`, async (context) => {
      const row = own.find(([documented]) => documented === name);
      for (const setting of settings) expect(row?.[1]?.replaceAll(' = ', '=')).toContain(setting.replace(' = ', '='));
      const server = await started(scene, context, settings);
      expect(await measure(server, greeting)).toBe(row?.[3]);
      await setListener(server);
      expect(await measure(server, greeting)).toBe(row?.[4]);
    });
  }
});
