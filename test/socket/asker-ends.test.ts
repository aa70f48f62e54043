import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type KeepAliveState, setKeepAlive } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { kernelStateOf } from '../kernel/descriptor.js';
import { infoOf, moment } from '../kernel/observation.js';

const program = fileURLToPath(new URL('programs/asker.mjs', import.meta.url));
const distribution = new URL('../../dist/index.js', import.meta.url).href;

const rounds = 6;

/** Starts a program that has a copy of a socket and asks its peer. */
async function asker(socket: net.Socket, way: 'probe' | 'watch', end: string, atMs: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program, distribution, way, end, String(atMs)], {
    stdio: ['ignore', 'pipe', 'ignore', socket],
  });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}

/** Returns what a socket has after a program that asked its peer has ended at a random moment. */
async function stateAfter(way: 'probe' | 'watch', end: string): Promise<[KeepAliveState, KeepAliveState]> {
  using pair = await loopbackPair();
  const { client, server } = pair;
  for (const socket of [client, server]) socket.on('error', () => {});
  setKeepAlive(client, '30:5:120');
  const before = kernelStateOf(client);
  crashPeer(server);
  await moment(() => infoOf(client).lastAckReceivedMs > 1050, 'a second of quiet');
  const afterMs = 20 + Math.random() * 400;
  const child = await asker(client, way, end, 100 + afterMs);
  const exited = once(child, 'exit');
  if (end.startsWith('SIG')) {
    await sleep(afterMs);
    if (way === 'probe') expect(infoOf(client).probes).toBeGreaterThan(0);
    child.kill(end as NodeJS.Signals);
    if (end === 'SIGSTOP') {
      await sleep(100);
      child.kill('SIGCONT');
      await sleep(100);
      child.kill('SIGKILL');
    }
  }
  await exited;
  return [before, kernelStateOf(client)];
}

describe.concurrent('a socket that another process has too', () => {
  it.each(['exit', 'throw'])('is as it was when the program that asks ends, %s', async (end) => {
    for (let round = 0; round < rounds; round += 1) {
      const [before, after] = await stateAfter('probe', end);
      expect(after).toEqual(before);
    }
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGKILL', 'SIGSTOP'])('has at worst an idle time of 1 s, %s', async (end) => {
    for (let round = 0; round < rounds; round += 1) {
      const [before, after] = await stateAfter('probe', end);
      expect([before, { ...before, idle: 1000 }]).toContainEqual(after);
    }
  });

  it.each(['exit', 'throw'])('has its program’s options when the program that watches ends, %s', async (end) => {
    for (let round = 0; round < rounds; round += 1) {
      const [before, after] = await stateAfter('watch', end);
      // The peer has left probes unanswered, and those are counted on.
      expect(after).toEqual({ ...before, count: expect.any(Number) });
      expect(after.count).toBeGreaterThanOrEqual(before.count);
    }
  });

  it('is left with the options of the watch when the program that watches is killed', async () => {
    const [before, after] = await stateAfter('watch', 'SIGKILL');
    expect(after).toEqual({ ...before, idle: 3000, interval: 1000, count: 31 });
  });
});
