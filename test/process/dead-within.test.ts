import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type DeadPeerEvent, getKeepAlive, setKeepAlive, watchPeers } from '../../src/index.js';
import { drivePlan, leastDeadWithinMs, robustDeadWithinMs } from '../../src/process/watch/drive.js';
import { crashPeer } from '../../src/testing/index.js';
import { sentSegments } from '../kernel/observation.js';
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
    // A look may be late on a machine that is busy, but a kernel with 1:1:1 needs 2 s at the least.
    expect(performance.now() - crashedAt).toBeLessThan(1900);
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

  it('bounds data in flight as well', async () => {
    using pair = await quietPair('IPv4');
    using watch = watchPeers({ sockets: [pair.client], deadWithin: '2s', destroy: true });
    crashPeer(pair.server);
    pair.client.write('.');
    const writtenAt = performance.now();
    await once(watch, 'dead');
    expect(performance.now() - writtenAt).toBeLessThan(3000);
  });

  it.each([1199, '1s', 0])('refuses %s', (deadWithin) => {
    expect(() => watchPeers({ all: true, deadWithin })).toThrow(
      expect.objectContaining({ name: 'ConfigurationError', field: 'deadWithin' }),
    );
  });
});

describe('the plan', () => {
  it.each([leastDeadWithinMs, 1500, robustDeadWithinMs, 2000, 10_000])('of %i ms keeps it, with four probes', (ms) => {
    const { quietMs, probesAtMs, verdictAtMs } = drivePlan(ms);
    expect(quietMs).toBeGreaterThanOrEqual(1000);
    expect(quietMs + verdictAtMs).toBeLessThan(ms);
    expect(probesAtMs).toHaveLength(4);
    const gaps = [...probesAtMs.slice(1), verdictAtMs].map((at, index) => at - (probesAtMs[index] as number));
    for (const gap of gaps) expect(gap).toBeGreaterThan(10);
    const isAnswerable = probesAtMs.filter((at) => at > 500).length >= 2;
    expect(isAnswerable).toBe(ms >= robustDeadWithinMs);
  });
});
