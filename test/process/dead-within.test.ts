import { once } from 'node:events';
import type net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  type DeadPeerEvent,
  getKeepAlive,
  type KeepAliveState,
  probePeer,
  setKeepAlive,
  watchPeers,
} from '../../src/index.js';
import {
  leastDeadWithinMs,
  probePlan,
  questionMs,
  robustDeadWithinMs,
} from '../../src/process/watch/fast-detection/plan.js';
import { crashPeer } from '../../src/testing/index.js';
import {
  article,
  closeDescriptor,
  duplicateDescriptor,
  fdOf,
  kernelState,
  kernelStateOf,
  setOption,
} from '../kernel/descriptor.js';
import { infoOf, moment, runningMs, sentSegments } from '../kernel/observation.js';
import { connectedPair, hasIPv6, type Transport } from '../peers.js';

const transports: Transport[] = ['IPv4', ...(hasIPv6 ? (['IPv6'] as const) : []), 'TLS'];

/** What a watch of less than 3.4 s has in force, on a connection with the policy below. */
const watched: KeepAliveState = { enabled: true, idle: 1000, interval: 1000, count: 31, userTimeout: 45_000 };

async function quietPair(transport: Transport) {
  const pair = await connectedPair(transport);
  for (const end of [pair.client, pair.server]) end.on('error', () => {}).resume();
  setKeepAlive(pair.client, '30:5:3:auto');
  return pair;
}

describe.concurrent('deadWithin', () => {
  it.each(transports)('finds a dead peer faster than keepalive can be told to, %s', async (transport) => {
    using pair = await quietPair(transport);
    using watch = watchPeers({ sockets: [pair.client], deadWithin: '1.5s', destroy: true });
    await sleep(2500);
    const died = once(watch, 'dead');
    crashPeer(pair.server);
    const crashedAt = performance.now();
    const [dead] = (await died) as [DeadPeerEvent];
    // A kernel with 1:1:1 needs 2 s at the least.
    expect(runningMs(crashedAt)).toBeLessThan(1900);
    expect(dead).toMatchObject({ decidedBy: 'watch', reason: 'unanswered', unanswered: 4 });
    expect(dead.silentMs).toBeGreaterThanOrEqual(1400);
    expect(pair.client.errored).toBe(dead.error);
  });

  it('asks a peer that is there about once in a second, with options of its own, and restores the program’s', async () => {
    using pair = await quietPair('IPv4');
    const before = kernelStateOf(pair.client);
    const watch = watchPeers({ sockets: [pair.client], deadWithin: '1.5s', destroy: true });
    const events: unknown[] = [];
    for (const type of ['suspect', 'recovered', 'dead'] as const)
      watch.on(type as 'suspect', (event) => events.push(event));
    const sent = sentSegments(pair.client);
    await sleep(5300);
    expect(sentSegments(pair.client) - sent).toBeGreaterThanOrEqual(3);
    expect(sentSegments(pair.client) - sent).toBeLessThanOrEqual(6);
    // Its kernel alone gives the peer up within a second of idle, and 31 probes.
    expect(kernelStateOf(pair.client)).toEqual(watched);
    const deferred = { until: 'unwatched', idle: 30_000, interval: 5000, count: 3 };
    expect(getKeepAlive(pair.client)).toEqual({ ...watched, deferred });
    watch.delete(pair.client);
    expect(kernelStateOf(pair.client)).toEqual(before);
    expect(events).toEqual([]);
    watch.close();
  });

  it('has the kernel wait for longer where there is more time', async () => {
    using pair = await quietPair('IPv4');
    using watch = watchPeers({ sockets: [pair.client], deadWithin: '5s' });
    await moment(() => kernelStateOf(pair.client).count === watched.count, 'the options are the watch’s');
    expect(kernelStateOf(pair.client)).toEqual({ ...watched, idle: 3000 });
    const crashedAt = performance.now();
    crashPeer(pair.server);
    await once(watch, 'dead');
    expect(runningMs(crashedAt)).toBeLessThan(5250);
  });

  it('keeps a user timeout of the program, though none that a short absence exceeds', async () => {
    using pair = await quietPair('IPv4');
    setKeepAlive(pair.client, '30:5:3:2');
    const watch = watchPeers({ sockets: [pair.client], deadWithin: '2s' });
    await moment(() => kernelStateOf(pair.client).count === watched.count, 'the options are the watch’s');
    expect(kernelStateOf(pair.client)).toEqual({ ...watched, userTimeout: 32_000 });
    watch.close();
    expect(kernelStateOf(pair.client)).toMatchObject({ idle: 30_000, count: 3, userTimeout: 2000 });
  });

  it('leaves a peer that comes back in time its connection', async () => {
    using pair = await quietPair('IPv4');
    const before = kernelStateOf(pair.client);
    const watch = watchPeers({ sockets: [pair.client], deadWithin: '3s', destroy: true });
    const crashed = crashPeer(pair.server);
    await once(watch, 'suspect');
    crashed.revive();
    await once(watch, 'recovered');
    await sleep(100);
    expect(pair.client.destroyed).toBe(false);
    watch.close();
    expect(kernelStateOf(pair.client)).toEqual(before);
  });

  it('without destroying, restores options with which a peer that comes back is kept', async () => {
    using pair = await quietPair('IPv4');
    setKeepAlive(pair.client, '5:1:2');
    const before = kernelStateOf(pair.client);
    using watch = watchPeers({ sockets: [pair.client], deadWithin: '1.5s' });
    const crashed = crashPeer(pair.server);
    await once(watch, 'dead');
    crashed.revive();
    const { probes } = infoOf(pair.client);
    expect(probes).toBeGreaterThan(2);
    // Counted on from where it stands, because a count of 2 would end the connection before it is probed.
    expect(kernelStateOf(pair.client)).toEqual({ ...before, count: 2 + probes });
    await moment(() => kernelStateOf(pair.client).count === 2, 'the peer has answered', 8000);
    expect(kernelStateOf(pair.client)).toEqual(before);
    expect(pair.client.destroyed).toBe(false);
  });

  it.each([0, 500, 1300])('gives a peer no longer because something is sent to it, after %i ms', async (afterMs) => {
    using pair = await quietPair('IPv4');
    using watch = watchPeers({ sockets: [pair.client], deadWithin: '2s', destroy: true });
    const died = once(watch, 'dead');
    pair.server.write('.');
    await once(pair.client, 'data');
    const heardAt = performance.now();
    crashPeer(pair.server);
    await sleep(Math.max(0, afterMs - (performance.now() - heardAt)));
    pair.client.write('.');
    const [dead] = (await died) as [DeadPeerEvent];
    // A fourth of a second for a busy machine; without it, 2 s.
    expect(runningMs(heardAt)).toBeLessThan(2250);
    expect(dead.silentMs).toBeGreaterThanOrEqual(1900);
    expect(dead).toMatchObject({ decidedBy: 'watch', reason: 'unanswered' });
    expect(dead.unacknowledgedBytes).toBe(1);
  });

  it('shares a connection with a second watch and with probePeer', async () => {
    using pair = await quietPair('IPv4');
    const before = kernelStateOf(pair.client);
    using watch = watchPeers({ sockets: [pair.client], deadWithin: '5s' });
    await moment(() => kernelStateOf(pair.client).idle === 3000, 'the options are the watch’s');
    using other = watchPeers({ sockets: [pair.client], deadWithin: '2s' });
    await moment(() => kernelStateOf(pair.client).idle === 1000, 'the options are the watches’');
    other.close();
    expect(kernelStateOf(pair.client)).toEqual({ ...watched, idle: 3000 });
    using again = watchPeers({ sockets: [pair.client], deadWithin: '2s' });
    crashPeer(pair.server);
    await once(again, 'suspect');
    const [probe] = await Promise.all([
      probePeer(pair.client, { timeout: 300 }),
      once(again, 'dead'),
      once(watch, 'dead'),
    ]);
    expect(probe.answered).toBe(false);
    expect(kernelStateOf(pair.client)).toMatchObject({ ...before, count: expect.any(Number) });
  });

  it.each([1199, '1s', 0])('refuses %s', (deadWithin) => {
    expect(() => watchPeers({ all: true, deadWithin })).toThrow(
      expect.objectContaining({ name: 'ConfigurationError', field: 'deadWithin' }),
    );
  });
});

describe.concurrent('deadWithin of a connection that', () => {
  it.each<[string, KeepAliveState | undefined, (socket: net.Socket) => void, Partial<KeepAliveState>]>([
    [
      'Node.js sets',
      undefined,
      (socket) => socket.setKeepAlive(true, 20_000),
      { idle: 20_000, interval: 1000, count: 10 },
    ],
    [
      'Node.js sets like the watch',
      undefined,
      (socket) => socket.setKeepAlive(true, 1000),
      { idle: 1000, interval: 1000, count: 10 },
    ],
    ['Node.js turns off', undefined, (socket) => socket.setKeepAlive(true).setKeepAlive(false), { enabled: false }],
    ['Node.js turns on', { ...article, enabled: false }, (socket) => socket.setKeepAlive(true), { enabled: true }],
    [
      'setKeepAlive sets',
      undefined,
      (socket) => void setKeepAlive(socket, '20:4:6'),
      { idle: 20_000, interval: 4000, count: 6 },
    ],
    [
      'setKeepAlive sets in part',
      undefined,
      (socket) => void setKeepAlive(socket, { userTimeout: 0 }),
      { userTimeout: 0 },
    ],
    ['setKeepAlive turns off', undefined, (socket) => void setKeepAlive(socket, false), { enabled: false }],
    ['another program sets', undefined, (socket) => setOption(fdOf(socket), 6, 5, 7), { interval: 7000 }],
  ])('%s has that once it is no longer watched', async (_, given, set, expected) => {
    using pair = await quietPair('IPv4');
    if (given?.enabled === false) setKeepAlive(pair.client, false);
    const before = kernelStateOf(pair.client);
    const watch = watchPeers({ sockets: [pair.client], deadWithin: '1.5s' });
    await moment(() => kernelStateOf(pair.client).count === watched.count, 'the options are the watch’s');
    set(pair.client);
    await sleep(1600);
    expect(kernelStateOf(pair.client)).toMatchObject({ enabled: true, idle: 1000, count: watched.count });
    watch.close();
    expect(kernelStateOf(pair.client)).toEqual({ ...before, ...expected });
  });

  it('setKeepAlive is asked to set is told what is in force and what waits', async () => {
    using pair = await quietPair('IPv4');
    using watch = watchPeers({ sockets: [pair.client], deadWithin: '1.5s' });
    await moment(() => kernelStateOf(pair.client).count === watched.count, 'the options are the watch’s');
    const applied = setKeepAlive(pair.client, '20:4:6:60');
    expect(applied).toEqual({
      ...watched,
      userTimeout: 60_000,
      deferred: { until: 'unwatched', idle: 20_000, interval: 4000, count: 6 },
    });
    watch.close();
    expect(kernelStateOf(pair.client)).toMatchObject({ idle: 20_000, interval: 4000, count: 6, userTimeout: 60_000 });
  });

  it('is closed or handed to another process there has the program’s options', async () => {
    using pair = await quietPair('IPv4');
    const before = kernelStateOf(pair.client);
    using watch = watchPeers({ sockets: [pair.client], deadWithin: '1.5s' });
    await moment(() => kernelStateOf(pair.client).count === watched.count, 'the options are the watch’s');
    const fd = duplicateDescriptor(process.pid, fdOf(pair.client));
    pair.client.destroy();
    await once(pair.client, 'close');
    expect(kernelState(fd)).toEqual(before);
    closeDescriptor(fd);
    expect(watch.size).toBe(0);
  });

  it('is at rest for a minute has the program’s options until it is used again', async () => {
    using pair = await quietPair('IPv4');
    const before = kernelStateOf(pair.client);
    using watch = watchPeers({ sockets: [pair.client], deadWithin: '2s', destroy: true });
    await moment(() => kernelStateOf(pair.client).count === watched.count, 'the options are the watch’s');
    await moment(() => kernelStateOf(pair.client).count !== watched.count, 'it is at rest', 65_000);
    expect(kernelStateOf(pair.client)).toEqual(before);
    pair.client.write('.');
    await moment(() => kernelStateOf(pair.client).count === watched.count, 'it is used again', 3000);
    expect(watch.size).toBe(1);
  });

  it('only receives after a minute of rest is kept as well', async () => {
    using pair = await quietPair('IPv4');
    using watch = watchPeers({ sockets: [pair.client], deadWithin: '2s' });
    await sleep(62_000);
    pair.server.write('.');
    await once(pair.client, 'data');
    crashPeer(pair.server);
    const crashedAt = performance.now();
    await once(watch, 'dead');
    // The round that notices what arrives goes every 2 s.
    expect(runningMs(crashedAt)).toBeLessThan(4500);
  });
});

// By itself, because it holds the process up.
describe('deadWithin where the program is held up', () => {
  it('again and again, does not take a peer for dead that answers', async () => {
    using pair = await quietPair('IPv4');
    using watch = watchPeers({ sockets: [pair.client], deadWithin: '2s', destroy: true });
    const dead: unknown[] = [];
    watch.on('dead', (event) => dead.push(event));
    await sleep(500);
    for (let times = 0; times < 8; times += 1) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1250);
      await sleep(30);
    }
    expect(dead).toEqual([]);
    expect(pair.client.destroyed).toBe(false);
  });

  it('does not take the time in which the program was held up for silence', async () => {
    using pair = await quietPair('IPv4');
    using watch = watchPeers({ sockets: [pair.client], deadWithin: '2s', destroy: true });
    const events: string[] = [];
    for (const type of ['suspect', 'recovered', 'dead'] as const)
      watch.on(type as 'suspect', (event) => events.push(event.type));
    const crashed = crashPeer(pair.server);
    await once(watch, 'suspect');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500);
    await sleep(100);
    crashed.revive();
    await once(watch, 'recovered');
    expect(events).toEqual(['suspect', 'recovered']);
    expect(pair.client.destroyed).toBe(false);
  });
});

describe('the plan', () => {
  const { 2: two, 3: three } = robustDeadWithinMs;

  it.each([
    [leastDeadWithinMs, 1],
    [1500, 1],
    [1700, 1],
    [two, 2],
    [2000, 2],
    [three - 1, 2],
    [three, 3],
    [10_000, 3],
  ])('of %i ms keeps it, and a peer that is there can answer %i times', (deadWithinMs, answers) => {
    const plan = probePlan(deadWithinMs);
    expect(plan.quietMs).toBeGreaterThanOrEqual(1000);
    expect(plan.quietMs + questionMs(plan)).toBeLessThan(deadWithinMs);
    for (const gap of plan.gapsMs) expect(gap).toBeGreaterThan(10);
    // The kernel of the peer answers no more than one probe in 500 ms.
    let atMs = 0;
    let answeredAtMs = Number.NEGATIVE_INFINITY;
    let answered = 0;
    for (const gapMs of plan.gapsMs) {
      if (atMs - answeredAtMs > 500) {
        answered += 1;
        answeredAtMs = atMs;
      }
      atMs += gapMs;
    }
    expect(answered).toBe(answers);
  });
});
