import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { watchPeers } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';

const noDeaths = {
  keepalive: 0,
  'user-timeout': 0,
  retransmission: 0,
  unanswered: 0,
  reset: 0,
  unreachable: 0,
  aborted: 0,
  unknown: 0,
};

describe('watch.status()', () => {
  it('counts what is watched by state, and what has ended by reason', async () => {
    const watch = watchPeers({ sockets: [], policy: '1:1:3', deadAfter: '30s' });
    expect(watch.status()).toEqual({ watched: 0, suspect: 0, stalled: 0, closed: 0, deaths: noDeaths });
    using silent = await loopbackPair();
    using full = await loopbackPair();
    using reset = await loopbackPair();
    using finished = await loopbackPair();
    for (const { client } of [silent, full, reset, finished]) watch.add(client.on('error', () => {}).resume());

    const crashed = crashPeer(silent.server);
    full.server.pause();
    for (let written = 0; written < 64; written += 1) full.client.write(Buffer.alloc(1 << 20));
    reset.server.resetAndDestroy();
    finished.server.end();
    await expect
      .poll(() => watch.status(), { timeout: 10_000 })
      .toEqual({ watched: 2, suspect: 1, stalled: 1, closed: 1, deaths: { ...noDeaths, reset: 1 } });

    crashed.revive();
    full.server.resume();
    await expect.poll(() => watch.status(), { timeout: 10_000 }).toMatchObject({ watched: 2, suspect: 0, stalled: 0 });
    crashPeer(silent.server);
    await once(watch, 'dead');
    watch.close();
    const after = { closed: 1, deaths: { ...noDeaths, reset: 1, keepalive: 1 } };
    expect(watch.status()).toEqual({ watched: 0, suspect: 0, stalled: 0, ...after });
    watch.status().deaths satisfies Readonly<Record<string, number>>;
  }, 40_000);

  it('counts the watch’s own decisions', async () => {
    using pair = await loopbackPair();
    const watch = watchPeers({ sockets: [pair.client], policy: '1:1:50', deadAfter: '1s', destroy: true });
    pair.client.on('error', () => {});
    crashPeer(pair.server);
    await once(watch, 'dead');
    expect(watch.status()).toMatchObject({ watched: 0, closed: 0, deaths: { ...noDeaths, unanswered: 1 } });
    watch.close();
  }, 20_000);
});
