import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { dumpConnections, liveStates } from '../../src/host/dump/dump.js';
import { refresh } from '../../src/host/dump/refresh.js';
import { type LoopbackPair, loopbackPair } from '../../src/testing/index.js';
import { moment } from '../kernel/observation.js';

const states = [...liveStates, 'TIME_WAIT'] as const;

/** The connections of the servers' ends, as the kernel lists them. */
function serversEnds(pairs: readonly LoopbackPair[]) {
  const ends = new Set(pairs.map(({ server }) => `${server.localPort} ${server.remotePort}`));
  return dumpConnections().connections.filter(({ local, remote }) => ends.has(`${local.port} ${remote.port}`));
}

const pairsOf = (count: number) => Promise.all(Array.from({ length: count }, () => loopbackPair()));

describe('refresh', () => {
  it.each([1, 3, 50, 51])('finds each of %i connections', async (count) => {
    const pairs = await pairsOf(count);
    try {
      const connections = serversEnds(pairs);
      expect(connections).toHaveLength(count);
      const seen = refresh(connections, undefined, states);
      for (const { cookie, local, remote } of connections) expect(seen.get(cookie)).toMatchObject({ local, remote });
      // Few are not read along with all others.
      if (count <= 50) expect(seen.size).toBe(count);
    } finally {
      for (const { close } of pairs) close();
    }
  });

  it('misses what is gone, and sees what is left of a connection where that is asked for', async () => {
    using gone = await loopbackPair();
    using ended = await loopbackPair();
    using open = await loopbackPair();
    const ends = [gone, ended, open].flatMap((pair) => serversEnds([pair]));
    const [goneCookie, endedCookie, openCookie] = ends.map(({ cookie }) => cookie) as [bigint, bigint, bigint];
    gone.client.resetAndDestroy();
    const closed = once(ended.server, 'close');
    ended.server.end();
    ended.client.end();
    await closed;
    const seen = () => refresh(ends, undefined, states);
    await moment(() => seen().get(endedCookie)?.state === 'TIME_WAIT' && !seen().has(goneCookie), 'the ends');
    expect([...seen().keys()].sort()).toEqual([endedCookie, openCookie].sort());
    expect([...refresh(ends, undefined, liveStates).keys()]).toEqual([openCookie]);
    expect(refresh([], undefined, states).size).toBe(0);
  });
});
