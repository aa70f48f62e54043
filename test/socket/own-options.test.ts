import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { probePeer, setKeepAlive } from '../../src/index.js';
import { crashPeer, type LoopbackPair, loopbackPair } from '../../src/testing/index.js';
import { closeDescriptor, duplicateDescriptor, fdOf, kernelState, kernelStateOf } from '../kernel/descriptor.js';
import { infoOf, moment } from '../kernel/observation.js';

/** A quiet connection with a policy, whose peer has vanished. */
async function deadPair(): Promise<LoopbackPair> {
  const pair = await loopbackPair();
  for (const end of [pair.client, pair.server]) end.on('error', () => {});
  setKeepAlive(pair.client, '30:5:9');
  crashPeer(pair.server);
  await moment(() => infoOf(pair.client).lastAckReceivedMs > 1050, 'a second of quiet');
  return pair;
}

describe.concurrent('while a peer is asked', () => {
  it('its program sees no other options than those that are its own', async () => {
    using pair = await deadPair();
    const before = kernelStateOf(pair.client);
    const seen = new Set<string>();
    const look = () => void seen.add(JSON.stringify(kernelStateOf(pair.client)));
    const timer = setInterval(look, 1);
    const answer = probePeer(pair.client, { timeout: 400 });
    look();
    for (let turns = 0; turns < 20; turns += 1) {
      await Promise.resolve();
      look();
    }
    expect(await answer).toMatchObject({ answered: false });
    clearInterval(timer);
    expect(infoOf(pair.client).probes).toBeGreaterThan(0);
    expect([...seen]).toEqual([JSON.stringify(before)]);
  });

  it.each<[string, (pair: LoopbackPair) => unknown, object]>([
    ['setKeepAlive sets', ({ client }) => setKeepAlive(client, '20:4:60'), { idle: 20_000, interval: 4000 }],
    ['setKeepAlive turns off', ({ client }) => setKeepAlive(client, false), { enabled: false, idle: 30_000, count: 9 }],
    ['Node.js sets', ({ client }) => client.setKeepAlive(true, 20_000), { idle: 20_000, interval: 1000, count: 10 }],
    ['Node.js sets to 1 s', ({ client }) => client.setKeepAlive(true, 1000), { idle: 1000, interval: 1000, count: 10 }],
  ])('what %s stays', async (_, set, expected) => {
    using pair = await deadPair();
    const answer = probePeer(pair.client, { timeout: 600 });
    await moment(() => infoOf(pair.client).probes > 0, 'it is asked');
    set(pair);
    await answer;
    expect(kernelStateOf(pair.client)).toMatchObject({ enabled: true, ...expected });
  });

  it('many that are asked in one go share a tick of the kernel, and have their own options after it', async () => {
    const pairs = await Promise.all(Array.from({ length: 40 }, () => deadPair()));
    const answers = pairs.map(({ client }) => probePeer(client, { timeout: 1000 }));
    const asked = () => pairs.filter(({ client }) => infoOf(client).probes === 1).length;
    await moment(() => asked() > 0, 'the first is asked');
    // One after the other, each would take a tick.
    expect(asked()).toBeGreaterThan(20);
    for (const { client } of pairs) expect(kernelStateOf(client).idle).toBe(30_000);
    for (const { answered } of await Promise.all(answers)) expect(answered).toBe(false);
    for (const pair of pairs) pair.close();
  });
});

describe('a connection that is closed while its peer is asked', () => {
  it('has nothing set on the connection that is given its descriptor', async () => {
    using pair = await deadPair();
    const answer = probePeer(pair.client, { timeout: 600 });
    await moment(() => infoOf(pair.client).probes > 0, 'it is asked');
    const fd = fdOf(pair.client);
    pair.client.destroy();
    const pairs: LoopbackPair[] = [];
    const ends = () => pairs.flatMap(({ client, server }) => [client, server]);
    while (!ends().some((end) => fdOf(end) === fd) && pairs.length < 50) pairs.push(await loopbackPair());
    expect(ends().map(fdOf)).toContain(fd);
    for (const end of ends()) setKeepAlive(end, '7:6:5');
    await answer;
    await sleep(50);
    for (const end of ends()) expect(kernelStateOf(end)).toMatchObject({ idle: 7000, interval: 6000, count: 5 });
    for (const each of pairs) each.close();
  });

  it('and goes to another process is as it was', async () => {
    using pair = await deadPair();
    const before = kernelStateOf(pair.client);
    const fd = duplicateDescriptor(process.pid, fdOf(pair.client));
    const answer = probePeer(pair.client, { timeout: 200 });
    await moment(() => infoOf(pair.client).probes > 0, 'it is asked');
    pair.client.destroy();
    expect(await answer).toMatchObject({ answered: false });
    expect(kernelState(fd)).toEqual(before);
    closeDescriptor(fd);
  });
});
