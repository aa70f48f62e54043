// A test of a program's own dead-peer handling, with Node's test runner: the session store must forget a client that
// crashed, and must keep one that is only quiet.
//
//   node --import tsx --test examples/dead-peer.test.ts
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type net from 'node:net';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { detectionTime, setKeepAlive } from 'tcp-keepalive';
import { crashPeer, loopbackPair } from 'tcp-keepalive/testing';

const policy = '1:1:2';

/** The code under test: remembers connections for as long as they live. */
class Sessions {
  readonly #sockets = new Set<net.Socket>();

  add(socket: net.Socket): void {
    setKeepAlive(socket, policy);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  get count(): number {
    return this.#sockets.size;
  }
}

test('forgets a client that crashed', async (context) => {
  const { client, server, close } = await loopbackPair();
  context.after(close);
  const sessions = new Sessions();
  sessions.add(server);
  const { earliestMs, latestMs } = detectionTime(policy);
  crashPeer(client);
  const crashedAt = performance.now();
  const [error] = (await once(server, 'error')) as [NodeJS.ErrnoException];
  const detectedMs = performance.now() - crashedAt;
  assert.equal(error.code, 'ETIMEDOUT');
  assert.ok(detectedMs <= latestMs + 1000, `${detectedMs} ms, at most ${latestMs} ms`);
  console.log(`dead after ${Math.round(detectedMs)} ms, predicted ${earliestMs} to ${Math.round(latestMs)} ms`);
  await once(server, 'close');
  assert.equal(sessions.count, 0);
});

test('keeps a client that is only quiet', async (context) => {
  const { server, close } = await loopbackPair();
  context.after(close);
  const sessions = new Sessions();
  sessions.add(server);
  await sleep(detectionTime(policy).latestMs + 250);
  assert.equal(sessions.count, 1);
});
