import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { probePeer, setKeepAlive } from '../../src/index.js';
import { listening, portOf } from '../endpoints.js';
import { infoOf, moment } from '../kernel/observation.js';
import { connectionsOf, crashServerOf } from './connections.js';
import { lacks } from './servers/installed.js';
import { postgresqlPrograms, startPostgresql } from './servers/postgresql.js';

/** As far as it is used here: the package has no types of its own. */
interface Client {
  readonly connection: { readonly stream: net.Socket };
  query(text: string): Promise<{ rows: { pid: number }[] }>;
  release(): void;
}

// Examples are JavaScript, as a user would have them, and use what was built.
const { default: pg } = await import(String('pg'));
const { liveClient } = await import(String(new URL('../../examples/pool/pg-pool.js', import.meta.url)));
const { LiveAgent } = await import(String(new URL('../../examples/pool/live-agent.js', import.meta.url)));

/** Makes the server's end of a connection of this process vanish. */
function crashServerEnd({ localPort, remotePort }: net.Socket): void {
  const row = connectionsOf(process.pid, remotePort as number).find(
    ({ connection }) => connection.local.port === localPort,
  );
  if (row === undefined) throw new Error('there is no such connection');
  crashServerOf(row);
}

describe('connections are probed before use', () => {
  it.skipIf(lacks(postgresqlPrograms() ?? 'postgresql'))('and a pg pool opens another where one is dead', async () => {
    const server = await startPostgresql();
    const pool = new pg.Pool({ host: '127.0.0.1', port: server.port, user: 'postgres', max: 1 });
    pool.on('error', () => {});
    const first: Client = await liveClient(pool);
    const pidOf = async (client: Client) => (await client.query('select pg_backend_pid() as pid')).rows[0]?.pid;
    const firstPid = await pidOf(first);
    first.release();
    await sleep(1100);
    const again: Client = await liveClient(pool);
    expect(await pidOf(again)).toBe(firstPid);
    const { stream } = again.connection;
    again.release();
    await sleep(1100);
    crashServerEnd(stream);
    const other: Client = await liveClient(pool);
    expect(await pidOf(other)).not.toBe(firstPid);
    // Its own kernel has asked: a probe more could end it, so that it is not asked again.
    const silent = other.connection.stream;
    other.release();
    crashServerEnd(silent);
    setKeepAlive(silent, '1:20:3');
    await moment(() => infoOf(silent).probes === 1, 'a probe of its own kernel');
    expect(await probePeer(silent)).toMatchObject({ answered: 'not-asked', unanswered: 1 });
    const last: Client = await liveClient(pool);
    expect(last.connection.stream).not.toBe(silent);
    // A client that is checked out when its server vanishes does not end the program.
    last.connection.stream.destroy(new Error('lost'));
    await expect(last.query('select 1')).rejects.toThrow();
    last.release();
    await pool.end();
    await server.stop();
  });

  it('and an http.Agent keeps those that are alive', async () => {
    const server = await listening(http.createServer({ keepAliveTimeout: 0 }, (_, response) => response.end('.')));
    const agent = new LiveAgent({ keepAlive: true });
    const get = async () => {
      const request = http.get({ port: portOf(server), host: '127.0.0.1', agent });
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      const { socket } = response;
      response.resume();
      await once(socket, 'free');
      return socket;
    };
    const [dead, alive] = await Promise.all([get(), get()]);
    crashServerEnd(dead);
    // For a second the peer counts as heard.
    await sleep(1200);
    expect(await get()).toBe(alive);
    expect([dead.destroyed, alive.destroyed]).toEqual([true, false]);
    crashServerEnd(alive);
    await sleep(1200);
    await agent.discardDead();
    expect(alive.destroyed).toBe(true);
    const other = await get();
    expect(other.destroyed).toBe(false);
    agent.destroy();
    server.closeAllConnections();
  });
});
