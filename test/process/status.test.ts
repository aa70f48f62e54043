import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type AppliedEvent, applyToProcess, getKeepAlive, type ProcessPolicy } from '../../src/index.js';
import { closing, connected, listening, portOf } from '../endpoints.js';

let inForce: ProcessPolicy | undefined;
const apply = (...args: Parameters<typeof applyToProcess>): ProcessPolicy => {
  inForce = applyToProcess(...args);
  return inForce;
};
afterEach(() => inForce?.close());

it('counts connections that were set, that inherited, and listeners', async () => {
  const { status } = apply('30:5:3');
  const server = await listening(net.createServer());
  for (let made = 0; made < 3; made += 1) await connected(server);
  expect(status()).toEqual({
    set: 3,
    verified: 1,
    unverified: 2,
    inherited: 3,
    listeners: 1,
    native: 0,
    skipped: { pipe: 0, unmanaged: 0, noDescriptor: 0, refused: 0 },
    overruled: [],
  });
});

it('reads back the first connection of each policy and address family, then one in a hundred', async () => {
  const { status } = apply('30:5:3', { rules: [{ role: 'client', remote: '127.0.0.2', policy: '40:5:3' }] });
  const server = closing(net.createServer((socket) => socket.resume())).listen(0, '::');
  await once(server, 'listening');
  const connect = async (host: string): Promise<net.Socket> => {
    const socket = closing(net.connect(portOf(server), host));
    await once(socket, 'connect');
    return socket;
  };
  for (let made = 0; made < 101; made += 1) {
    expect(getKeepAlive(await connect('127.0.0.1'))).toMatchObject({
      enabled: true,
      idle: 30_000,
      interval: 5000,
      count: 3,
    });
  }
  expect(status()).toMatchObject({ set: 101, verified: 2, unverified: 99 });
  await connect('::1');
  await connect('127.0.0.2');
  expect(status()).toMatchObject({ set: 103, verified: 4, unverified: 99 });
  await connect('::1');
  expect(status()).toMatchObject({ set: 104, verified: 4, unverified: 100 });
});

it('counts both ends of a pipe as skipped', async () => {
  const { status } = apply('30:5:3');
  const folder = mkdtempSync(path.join(tmpdir(), 'keepalive-'));
  const server = closing(net.createServer()).listen(path.join(folder, 'socket'));
  await once(server, 'listening');
  const client = closing(net.connect(path.join(folder, 'socket')));
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [net.Socket],
    unknown,
  ];
  for (const end of [client, accepted]) expect(end.setKeepAlive(true, 1000)).toBe(end);
  expect(status()).toMatchObject({ set: 0, inherited: 0, listeners: 0, skipped: { pipe: 2 }, overruled: [] });
  rmSync(folder, { recursive: true });
});

it('names who was overruled, once for each place, with how often', async () => {
  const { status } = apply('30:5:3');
  const server = await listening(http.createServer((_, response) => response.end('.')));
  const [client] = await connected(server);
  for (let calls = 0; calls < 4; calls += 1) client.setKeepAlive(true, 1000 + calls * 1000);
  client.setKeepAlive(true, 30_000);
  client.setKeepAlive(true);
  client.setKeepAlive(false);
  const agent = new http.Agent({ keepAlive: true });
  const request = http.get({ port: portOf(server), host: '127.0.0.1', agent });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  response.resume();
  await once(response.socket, 'free');
  agent.destroy();
  const { overruled } = status();
  expect(overruled[0]).toMatchObject({ calls: 4, module: expect.stringMatching(/status\.test\.ts$/) });
  expect(overruled[0]?.line).toBeGreaterThan(0);
  expect(overruled.filter(({ module }) => module === 'node:http').length).toBeGreaterThanOrEqual(1);
  expect(overruled.find(({ calls, file }) => calls === 1 && file.endsWith('status.test.ts'))).toBeDefined();
});

it('counts a call before connecting once, although Node.js carries it out again', async () => {
  const { status } = apply('30:5:3');
  const server = await listening(net.createServer());
  const socket = closing(new net.Socket());
  socket.setKeepAlive(true, 1000);
  socket.connect(portOf(server), '127.0.0.1');
  await once(socket, 'connect');
  expect(status().overruled).toMatchObject([{ calls: 1 }]);
});

it('tells what it set', async () => {
  const events: AppliedEvent[] = [];
  apply('30:5:3', { onApplied: (event) => events.push(event) });
  const server = await listening(net.createServer());
  const [client] = await connected(server);
  expect(events).toMatchObject([
    { role: 'server', applied: { enabled: true, idle: 30_000 } },
    { role: 'client', applied: { enabled: true, idle: 30_000 } },
  ]);
  expect(events[0]?.target).toBe(server);
  expect(events[1]?.target).toBe(client);
});

it('turns what onApplied throws into a warning', async () => {
  const warning = once(process, 'warning');
  apply('30:5:3', {
    onApplied: () => {
      throw new Error('by the caller');
    },
  });
  await connected(await listening(net.createServer()));
  expect((await warning)[0]).toMatchObject({ name: 'KeepAliveWarning', message: 'onApplied: by the caller' });
});
