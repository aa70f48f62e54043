import { spawn, spawnSync } from 'node:child_process';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { setKeepAlive } from '../../src/index.js';
import { readTcpInfo } from '../../src/socket/tcp-info.js';
import { closing, connected, listening, portOf } from '../endpoints.js';
import { firstOutput } from '../first-output.js';
import { article, fdOf, kernelStateOf } from '../kernel/descriptor.js';

const program = fileURLToPath(new URL('programs/crowd.mjs', import.meta.url));
const connectSynchronously = `
  const net = require('node:net');
  const { port, count } = JSON.parse(process.argv[1]);
  let open = 0;
  for (let i = 0; i < count; i++) net.connect(port, '127.0.0.1', () => { if (++open === count) process.exit(); });`;

/** Blocks this process until another one has connected `count` times and gone again. */
function crowdWhileBusy(port: number, count: number): void {
  const { status } = spawnSync(process.execPath, ['-e', connectSynchronously, JSON.stringify({ port, count })]);
  expect(status).toBe(0);
}

function acceptedStates(server: net.Server, count: number): Promise<unknown[]> {
  const states: unknown[] = [];
  return new Promise((resolve) => {
    server.on('connection', (socket: net.Socket) => {
      states.push(kernelStateOf(socket));
      if (states.length === count) resolve(states);
    });
  });
}

describe('connections that wait in the accept queue when the policy is set', () => {
  it('get it too, without a listener of ours', async () => {
    const server = await listening(net.createServer());
    const states = acceptedStates(server, 20);
    const before = server.listenerCount('connection');
    crowdWhileBusy(portOf(server), 20);
    expect(readTcpInfo(fdOf(server)).unacked).toBe(20);
    expect(setKeepAlive(server, '30:5:3')).toEqual({ ...article, connections: 'inherited' });
    expect(server.listenerCount('connection')).toBe(before);
    expect(await states).toEqual(Array(20).fill(article));
    const [, next] = await connected(server);
    expect(kernelStateOf(next)).toEqual(article);
  });

  it('get the latest one when it changes while they wait', async () => {
    const server = await listening(net.createServer());
    const states = acceptedStates(server, 5);
    setKeepAlive(server, '30:5:3:auto');
    crowdWhileBusy(portOf(server), 3);
    setKeepAlive(server, '40:6:4');
    crowdWhileBusy(portOf(server), 2);
    setKeepAlive(server, { idle: 50000 });
    const expected = { enabled: true, idle: 50000, interval: 6000, count: 4, userTimeout: 45000 };
    expect(await states).toEqual(Array(5).fill(expected));
  });

  it('get false too', async () => {
    const server = await listening(net.createServer());
    const states = acceptedStates(server, 3);
    setKeepAlive(server, '30:5:3');
    crowdWhileBusy(portOf(server), 3);
    setKeepAlive(server, false);
    expect(await states).toEqual(Array(3).fill({ ...article, enabled: false }));
  });

  it('get it when they arrived between listen and the listening event', async () => {
    const server = closing(net.createServer());
    server.listen(0);
    const states = acceptedStates(server, 3);
    crowdWhileBusy(portOf(server), 3);
    setKeepAlive(server, '30:5:3');
    expect(await states).toEqual(Array(3).fill(article));
  });
});

it('loses no connection of a crowd that arrives while the policy is set again and again', async () => {
  const count = 200;
  const server = await listening(net.createServer());
  const states = acceptedStates(server, count);
  setKeepAlive(server, '30:5:3');
  const crowd = spawn(process.execPath, [program, String(portOf(server)), String(count)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void crowd.stdin.end());
  const setAgain = setInterval(() => setKeepAlive(server, '30:5:3'), 1);
  onTestFinished(() => clearInterval(setAgain));
  await firstOutput(crowd);
  expect(await states).toEqual(Array(count).fill(article));
});
