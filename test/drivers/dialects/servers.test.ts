import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { exportPolicy } from '../../../src/index.js';
import type { KeepAliveState } from '../../../src/socket/state.js';
import { abort } from '../../endpoints.js';
import { moment } from '../../kernel/observation.js';
import { acceptedState, connectionsOf } from '../connections.js';
import { startRabbitmq } from '../servers/brokers.js';
import { lacks } from '../servers/installed.js';
import { startMariadb } from '../servers/mariadb.js';
import { postgresqlPrograms, startPostgresql } from '../servers/postgresql.js';
import { startNginx } from '../servers/proxies.js';
import { freePort, type ServerProgram, scratchDirectory, startServer } from '../servers/server-program.js';
import { policyOfClient, silentServer } from './client-side.js';
import { policyOf, policyOfServer } from './server-side.js';

const request = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
/** SSLRequest (PostgreSQL's documentation, 55.7) */
const sslRequest = '\0\0\0\x08\x04\xd2\x16\x2f';

async function stopped(server: Promise<ServerProgram>, { onTestFinished }: TestContext): Promise<ServerProgram> {
  const started = await server;
  onTestFinished(() => started.stop());
  return started;
}

/** HAProxy with the exported text, on its own ports and in front of a server. */
async function startHaproxy(text: string, serverPort: number): Promise<ServerProgram> {
  const [port, directory] = [await freePort(), scratchDirectory()];
  const config = path.join(directory, 'haproxy.cfg');
  const own = text
    .replace(/^( +bind) :80/m, `$1 127.0.0.1:${port}`)
    .replace('127.0.0.1:8080', `127.0.0.1:${serverPort}`)
    .replace('frontend clients\n', '$&    default_backend servers\n');
  const timeouts = ['client', 'connect', 'server'].map((name) => `    timeout ${name} 1h\n`).join('');
  writeFileSync(config, `defaults\n    mode tcp\n${timeouts}\n${own}`);
  const checked = spawnSync('/usr/sbin/haproxy', ['-c', '-f', config], { encoding: 'utf8' });
  if (checked.status !== 0) throw new Error(checked.stderr);
  return startServer('/usr/sbin/haproxy', ['-db', '-f', config], { port, directory });
}

/** The policies of HAProxy's two connections for one client. */
async function haproxySides(port: number, serverPort: number, pid: number) {
  const client = net.connect(port, '127.0.0.1').on('error', () => {});
  await once(client, 'connect');
  await moment(() => connectionsOf(pid, serverPort).length > 0 && acceptedState(client) !== undefined, 'both are open');
  const sides = {
    clients: policyOf(acceptedState(client) as KeepAliveState),
    servers: policyOf(connectionsOf(pid, serverPort)[0]?.keepAlive as KeepAliveState),
  };
  abort(client);
  return sides;
}

describe('an exported policy is accepted by the server, and its connections have it:', () => {
  it.skipIf(lacks('nginx'))('nginx', async (context) => {
    for (const policy of ['30:5:3', '32767:32767:127', '1:1:1', 'off']) {
      const { text } = exportPolicy(policy, 'nginx');
      const parameters = /^listen 80 (.+);\n$/.exec(text)?.[1] as string;
      const { port } = await stopped(startNginx([parameters]), context);
      expect(await policyOfServer(port, request)).toBe(policy);
    }
  });

  it.skipIf(lacks('haproxy'))('HAProxy, towards clients and servers', async (context) => {
    const behind = await silentServer();
    context.onTestFinished(() => behind.close());
    for (const policy of ['30:5:3:auto', '32767:32767:127:2147483647ms', '1:1:1:1500ms']) {
      const { text } = exportPolicy(policy, 'haproxy');
      const { port, child } = await stopped(startHaproxy(text, behind.port), context);
      const sides = await haproxySides(port, behind.port, child.pid as number);
      expect(sides).toEqual({ clients: policy, servers: policy });
    }
  });

  it.skipIf(lacks(postgresqlPrograms() ?? 'postgresql'))('PostgreSQL, and libpq as its client', async (context) => {
    const server = exportPolicy('30:5:3:auto', 'postgresql');
    const { port } = await stopped(startPostgresql([], server.text), context);
    expect(await policyOfServer(port, sslRequest)).toBe('30:5:3:auto');
    const client = exportPolicy('31:6:4:90s', 'libpq');
    const where = `host=127.0.0.1 port=${port} dbname=postgres user=postgres ${client.text}`;
    const args = [where, '-c', '\\! echo ready', '-c', 'select pg_sleep(60)'];
    const psql = path.join(postgresqlPrograms() as string, 'psql');
    expect(await policyOfClient(psql, args, { port })).toBe('31:6:4:90');
    const uri = `postgresql://postgres@127.0.0.1:${port}/postgres?${client.text.trim().replaceAll(' ', '&')}`;
    expect(await policyOfClient(psql, [uri, ...args.slice(1)], { port })).toBe(client.inForce);
    const limits = where.replace(client.text, exportPolicy('32767:32767:127:2147483647ms', 'libpq').text);
    expect(await policyOfClient(psql, [limits, ...args.slice(1)], { port })).toBe('32767:32767:127:2147483647ms');
    const off = exportPolicy('off', 'libpq');
    const withoutKeepalive = where.replace(client.text, off.text);
    expect(await policyOfClient(psql, [withoutKeepalive, ...args.slice(1)], { port })).toBe('off');
  });

  it.skipIf(lacks('redis-server'))('Redis', async (context) => {
    for (const policy of ['30:10:3', 'off', '2:1:3']) {
      const { text, inForce } = exportPolicy(policy, 'redis');
      const [port, directory] = [await freePort(), scratchDirectory()];
      const config = path.join(directory, 'redis.conf');
      writeFileSync(config, `${text}bind 127.0.0.1\nport ${port}\nsave ""\ndir ${directory}\n`);
      await stopped(startServer('redis-server', [config], { port, directory }), context);
      expect(await policyOfServer(port, 'PING\r\n')).toBe(inForce);
      expect(inForce).toBe(policy);
    }
  });

  it.skipIf(lacks('mariadbd'))('MariaDB, which takes each name and value as an option', async (context) => {
    const { text, inForce } = exportPolicy('30:5:3:auto', 'mysql');
    const settings = text.split('\n').filter((line) => line.includes(' = '));
    const { port } = await stopped(startMariadb(settings.map((line) => line.replace(' = ', '='))), context);
    expect(await policyOfServer(port, '')).toBe(inForce);
    expect(inForce).toBe('30:5:3');
  });

  it.skipIf(lacks('rabbitmq-server'))('RabbitMQ, with the numbers as raw options', async (context) => {
    const { text, inForce } = exportPolicy('30:5:3:auto', 'rabbitmq');
    const { port } = await stopped(startRabbitmq([], text), context);
    expect(await policyOfServer(port, 'AMQP\0\0\x09\x01')).toBe(inForce);
    expect(inForce).toBe('30:5:3:auto');
  });

  it.skipIf(lacks('mosquitto'))(
    'mosquitto, from 2.1; before, it says that it does not know the word',
    async (context) => {
      const { text, inForce } = exportPolicy('30:5:3:auto', 'mosquitto');
      const behind = await silentServer();
      context.onTestFinished(() => behind.close());
      const [port, directory] = [await freePort(), scratchDirectory()];
      const config = path.join(directory, 'mosquitto.conf');
      const user = spawnSync('id', ['-un'], { encoding: 'utf8' }).stdout.trim();
      const bridge = `connection test\naddress 127.0.0.1:${behind.port}\ntopic # out\n${text}`;
      writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\nuser ${user}\n${bridge}`);
      const version = /mosquitto version (\S+)/.exec(spawnSync('mosquitto', ['-h'], { encoding: 'utf8' }).stdout)?.[1];
      const started = startServer('mosquitto', ['-c', config], { port, directory });
      if (/^2\.0\./.test(version as string)) {
        await expect(started).rejects.toThrow(/Unknown configuration variable "bridge_tcp_keepalive"/);
        return;
      }
      const { child } = await stopped(started, context);
      await moment(() => connectionsOf(child.pid as number, behind.port).length > 0, 'the bridge connects');
      const [row] = connectionsOf(child.pid as number, behind.port);
      expect(policyOf(row?.keepAlive as KeepAliveState)).toBe(inForce);
    },
  );
});
