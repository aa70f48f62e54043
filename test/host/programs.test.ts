import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runCli } from '../cli/run-cli.js';
import { findGo } from '../docs/go.js';
import { postgresqlPrograms } from '../drivers/servers/postgresql.js';
import type { ServerProgram } from '../drivers/servers/server-program.js';
import { cannotRun } from '../requirement.js';
import { startGo, startNginx, startPostgresql, startPython, startRedis } from './foreign-programs.js';

const needsRoot = cannotRun(process.getuid?.() !== 0, 'changing the sockets of other programs needs root');

function lacks(...command: [string, ...string[]]): boolean {
  const [program, ...args] = command;
  return cannotRun(spawnSync(program, args).status !== 0, `${program} is not installed (scripts/install-test-servers)`);
}

/** Connections of other tests have the same ports to other servers, but not this address of the loopback device. */
const ownAddress = '127.0.77.1';

/** A client of a program, in this process. */
async function connectTo({ port }: ServerProgram): Promise<net.Socket> {
  const client = net.connect({ port, host: '127.0.0.1', localAddress: ownAddress });
  client.on('error', () => {});
  onTestFinished(() => void client.destroy());
  await once(client, 'connect');
  return client;
}

/** What `ss` says of the program's end of a connection. */
function ssTimer(client: net.Socket): string {
  const filter = `( sport = :${client.remotePort} and dport = :${client.localPort} )`;
  return execFileSync('ss', ['-Htno', 'state', 'all', filter], { encoding: 'utf8' });
}

/** Gives the program's end of a connection the policy and checks what the tool says of it. */
async function setOnPeerOf(client: net.Socket, ...args: string[]): Promise<void> {
  const peer = ['--port', `remote:${client.localPort}`, '--remote', String(client.localAddress)];
  const { code, stdout, stderr } = await runCli('set', ...args, ...peer, '--json');
  expect(stderr).toBe('');
  const { changed, failed } = JSON.parse(stdout);
  expect(failed).toEqual([]);
  expect(changed).toHaveLength(1);
  expect(changed[0].local).toEqual({ address: '127.0.0.1', port: client.remotePort });
  expect(code).toBe(0);
}

/** The seconds of the keepalive timer that `ss` shows, such as `timer:(keepalive,29sec,0)`. */
function expectKeepAliveTimer(client: net.Socket): void {
  const seconds = Number(/timer:\(keepalive,(\d+)(?:\.\d+)?sec,0\)/.exec(ssTimer(client))?.[1]);
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(32);
}

async function answerOf(client: net.Socket): Promise<string> {
  client.write('?\n');
  const [line] = await once(createInterface(client), 'line');
  return line;
}

describe('programs that were never written for it', () => {
  it.skipIf(needsRoot || lacks('redis-server', '--version'))('redis-server, read by ss', async () => {
    const client = await connectTo(await startRedis());
    expect(ssTimer(client)).not.toContain('keepalive');
    await setOnPeerOf(client, '30:5:3');
    expectKeepAliveTimer(client);
    client.write('PING\r\n');
    expect(String((await once(client, 'data'))[0])).toBe('+PONG\r\n');
  });

  it.skipIf(needsRoot || lacks('nginx', '-v'))('nginx, read by ss', async () => {
    const client = await connectTo(await startNginx());
    client.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n');
    await once(client, 'data');
    expect(ssTimer(client)).not.toContain('keepalive');
    await setOnPeerOf(client, '30:5:3');
    expectKeepAliveTimer(client);
  });

  const psql = path.join(postgresqlPrograms() ?? '/nowhere', 'psql');
  it.skipIf(needsRoot || lacks(psql, '--version'))('PostgreSQL, read by the server process itself', async () => {
    const { port } = await startPostgresql();
    const sql = (command: string) => {
      const args = ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', '-Atc', command];
      return execFileSync(psql, args, { encoding: 'utf8' }).trim();
    };
    expect(sql('SHOW tcp_keepalives_idle')).toBe('7200');
    // The listener's new connections inherit, and PostgreSQL shows what the kernel says where nothing is configured.
    const { code, stdout } = await runCli('set', '30:5:3', '--port', `local:${port}`, '--state', 'LISTEN', '--json');
    expect(JSON.parse(stdout).changed).toHaveLength(1);
    expect(code).toBe(0);
    expect(sql('SHOW tcp_keepalives_idle')).toBe('30');
    expect(sql('SHOW tcp_keepalives_interval')).toBe('5');
    expect(sql('SHOW tcp_keepalives_count')).toBe('3');
  });

  it.skipIf(needsRoot || lacks('python3', '--version'))('a Python program, read by itself', async () => {
    const client = await connectTo(await startPython());
    const before = await answerOf(client);
    expect(before.startsWith('0 ')).toBe(true);
    await setOnPeerOf(client, '30:5:3');
    expect(await answerOf(client)).toBe('1 30 5 3');
    await setOnPeerOf(client, '--off');
    expect(await answerOf(client)).toBe('0 30 5 3');
  });

  const go = findGo(23);
  it.skipIf(needsRoot || go === undefined)('a Go program, read by itself', async () => {
    const client = await connectTo(await startGo(go as string));
    expect((await answerOf(client)).startsWith('0 ')).toBe(true);
    await setOnPeerOf(client, '30:5:3');
    expect(await answerOf(client)).toBe('1 30 5 3');
  });
});
