import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type DeadPeerEvent, getKeepAlive, probePeer, setKeepAlive, watchPeers } from '../../src/index.js';
import { leastDeadWithinMs, probePlan, questionMs, robustDeadWithinMs } from '../../src/process/watch/fast-detection/plan.js';
import { crashPeer } from '../../src/testing/index.js';
import { kernelStateOf } from '../kernel/descriptor.js';
import { moment, runningMs, sentSegments } from '../kernel/observation.js';
import { connectedPair, hasIPv6, type Transport } from '../peers.js';

const transports: Transport[] = ['IPv4', ...(hasIPv6 ? (['IPv6'] as const) : []), 'TLS'];

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

  it('asks a peer that is there about once in a second, and leaves its options as they were', async () => {
    using pair = await quietPair('IPv4');
    const before = getKeepAlive(pair.client);
    const watch = watchPeers({ sockets: [pair.client], deadWithin: '1.5s', destroy: true });
    const events: unknown[] = [];
    for (const type of ['suspect', 'recovered', 'dead'] as const)
      watch.on(type as 'suspect', (event) => events.push(event));
    const sent = sentSegments(pair.client);
    await sleep(5300);
    expect(sentSegments(pair.client) - sent).toBeGreaterThanOrEqual(3);
    expect(sentSegments(pair.client) - sent).toBeLessThanOrEqual(6);
    watch.delete(pair.client);
    expect(getKeepAlive(pair.client)).toEqual(before);
    expect(events).toEqual([]);
    watch.close();
  });

  it('leaves a peer that comes back in time its connection and its options', async () => {
    using pair = await quietPair('IPv4');
    const before = getKeepAlive(pair.client);
    using watch = watchPeers({ sockets: [pair.client], deadWithin: '3s', destroy: true });
    const crashed = crashPeer(pair.server);
    await once(watch, 'suspect');
    crashed.revive();
    await once(watch, 'recovered');
    await sleep(100);
    expect(pair.client.destroyed).toBe(false);
    expect(getKeepAlive(pair.client)).toEqual(before);
  });

  it('puts the options back without destroying', async () => {
    using pair = await quietPair('IPv4');
    const before = getKeepAlive(pair.client);
    using watch = watchPeers({ sockets: [pair.client], deadWithin: '1.5s' });
    crashPeer(pair.server);
    await once(watch, 'dead');
    expect(pair.client.destroyed).toBe(false);
    expect(getKeepAlive(pair.client)).toEqual(before);
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

  it('and probePeer, and a second watch, leave a connection the options that it has of its own', async () => {
    using pair = await quietPair('IPv4');
    const before = kernelStateOf(pair.client);
    using watch = watchPeers({ sockets: [pair.client], deadWithin: '2s' });
    using other = watchPeers({ sockets: [pair.client], deadWithin: '3s' });
    crashPeer(pair.server);
    await once(watch, 'suspect');
    expect(kernelStateOf(pair.client)).not.toEqual(before);
    expect(getKeepAlive(pair.client)).toEqual(before);
    const [probe] = await Promise.all([
      probePeer(pair.client, { timeout: 300 }),
      once(watch, 'dead'),
      once(other, 'dead'),
    ]);
    expect(probe.answered).toBe(false);
    expect(kernelStateOf(pair.client)).toEqual(before);
  });

  it.each([1199, '1s', 0])('refuses %s', (deadWithin) => {
    expect(() => watchPeers({ all: true, deadWithin })).toThrow(
      expect.objectContaining({ name: 'ConfigurationError', field: 'deadWithin' }),
    );
  });
});

describe.concurrent('deadWithin of a connection that', () => {
  it('Node.js sets while the peer is asked leaves it what was set', async () => {
    using pair = await quietPair('IPv4');
    using watch = watchPeers({ sockets: [pair.client], deadWithin: '3s' });
    crashPeer(pair.server);
    await moment(() => kernelStateOf(pair.client).idle === 1000, 'it is asked');
    pair.client.setKeepAlive(true, 20_000);
    const expected = { enabled: true, idle: 20_000, interval: 1000, count: 10, userTimeout: 45_000 };
    expect(getKeepAlive(pair.client)).toEqual(expected);
    const [suspect] = await once(watch, 'suspect');
    expect(suspect.next).toMatchObject({ what: 'probe' });
    expect(suspect.next.inMs).toBeLessThan(500);
    expect(getKeepAlive(pair.client)).toEqual(expected);
    await once(watch, 'dead');
    expect(kernelStateOf(pair.client)).toEqual(expected);
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
