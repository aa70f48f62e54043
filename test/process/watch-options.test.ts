import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { detectionTime, getKeepAlive, type PeerWatch, setKeepAlive, watchPeers } from '../../src/index.js';
import { crashPeer, type LoopbackPair, loopbackPair } from '../../src/testing/index.js';
import { infoOf, moment, runningMs } from '../kernel/observation.js';

/** Both ends of a connection of this process, and a watch of one or of both. */
async function watchedPair(all: boolean): Promise<[LoopbackPair, PeerWatch]> {
  const watch = watchPeers(all ? { all } : { sockets: [] });
  const pair = await loopbackPair();
  for (const end of [pair.client, pair.server]) end.on('error', () => {}).resume();
  if (!all) watch.add(pair.client);
  return [pair, watch];
}

describe('a policy that the program sets once the connection is watched', () => {
  it.each([
    ['by name', false],
    ['with all others', true],
  ])('is noticed before it can have ended the connection, watched %s', async (_, all) => {
    const [pair, watch] = await watchedPair(all);
    setKeepAlive(pair.client, '1:1:2');
    crashPeer(pair.server);
    const startedAt = performance.now();
    const signal = AbortSignal.timeout(20_000);
    const [[suspect], [dead]] = await Promise.all([
      once(watch, 'suspect', { signal }),
      once(watch, 'dead', { signal }),
    ]);
    expect(suspect).toMatchObject({ socket: pair.client, unanswered: 1 });
    expect(dead).toMatchObject({ socket: pair.client, reason: 'keepalive', unanswered: 2 });
    expect(runningMs(startedAt)).toBeLessThan(detectionTime('1:1:2').latestMs + 250);
    watch.close();
    pair.close();
  });
});

describe('a policy that the program changes', () => {
  it('is what a watch with deadWithin restores when it ends', async () => {
    const pair = await loopbackPair();
    for (const end of [pair.client, pair.server]) end.on('error', () => {}).resume();
    setKeepAlive(pair.client, '30:5:3');
    const watch = watchPeers({ sockets: [pair.client], deadWithin: '1.5s' });
    setKeepAlive(pair.client, '20:4:6');
    const { segmentsOut } = infoOf(pair.client);
    // Asked: a probe went out long before the policy would have sent one.
    await moment(() => infoOf(pair.client).segmentsOut !== segmentsOut, 'the peer is asked', 5000);
    watch.close();
    expect(getKeepAlive(pair.client)).toMatchObject({ enabled: true, idle: 20_000, interval: 4000, count: 6 });
    pair.close();
  });
});
