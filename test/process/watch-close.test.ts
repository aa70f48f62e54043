import { once } from 'node:events';
import type net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { watchPeers } from '../../src/index.js';
import { crashPeer, type LoopbackPair, loopbackPair } from '../../src/testing/index.js';

async function readingPairs(count: number): Promise<LoopbackPair[]> {
  const pairs = await Promise.all(Array.from({ length: count }, () => loopbackPair()));
  for (const pair of pairs) for (const end of [pair.client, pair.server]) end.on('error', () => {}).resume();
  return pairs;
}

const listenersOf = ({ client }: LoopbackPair) =>
  client.eventNames().map((event) => [event, client.listenerCount(event)]);

describe.concurrent('a watch that is closed', () => {
  it('watches no socket, and a socket has no listener of a watch at any time', async () => {
    const pairs = await readingPairs(3);
    const before = pairs.map(listenersOf);
    const watch = watchPeers({ sockets: pairs.map(({ client }) => client), policy: '1:1:2' });
    expect([watch.size, pairs.map(listenersOf)]).toEqual([3, before]);
    watch.close();
    expect([watch.size, pairs.map(listenersOf)]).toEqual([0, before]);
    for (const pair of pairs) pair.close();
  });

  it('tells nothing more, also where a listener closes it between looks that were due together', async () => {
    const pairs = await readingPairs(5);
    const watch = watchPeers({ sockets: pairs.map(({ client }) => client), policy: '1:1:3' });
    const suspects: net.Socket[] = [];
    watch.on('suspect', ({ socket }) => {
      suspects.push(socket);
      watch.close();
    });
    for (const pair of pairs) crashPeer(pair.server);
    await once(watch, 'suspect');
    await sleep(1000);
    expect(suspects).toHaveLength(1);
    expect(watch.size).toBe(0);
    for (const pair of pairs) pair.close();
  });
});
