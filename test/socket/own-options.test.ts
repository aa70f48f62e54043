import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { getKeepAlive, probePeer, setKeepAlive } from '../../src/index.js';
import { crashPeer, type LoopbackPair, loopbackPair } from '../../src/testing/index.js';
import { closeDescriptor, duplicateDescriptor, fdOf, kernelState, kernelStateOf } from '../kernel/descriptor.js';
import { infoOf, moment } from '../kernel/observation.js';

/** A quiet connection with a policy, whose peer has vanished. */
async function deadPair(): Promise<LoopbackPair> {
  const pair = await loopbackPair();
  for (const end of [pair.client, pair.server]) end.on('error', () => {});
  setKeepAlive(pair.client, '30:5:3:auto');
  crashPeer(pair.server);
  await moment(() => infoOf(pair.client).lastAckReceivedMs > 1050, 'a second of quiet');
  return pair;
}

/** Waits until options are changed for asking: the idle time alone, or all of them. */
const changed = (pair: LoopbackPair, what: 'idle' | 'count') =>
  moment(() => kernelStateOf(pair.client)[what] === { idle: 1000, count: 127 }[what], `${what} is changed`);

describe.concurrent('while a peer is asked', () => {
  it('getKeepAlive gives the options that the connection has of its own', async () => {
    using pair = await deadPair();
    const before = getKeepAlive(pair.client);
    const seen = new Set<string>();
    const kernelIdles = new Set<number>();
    const answer = probePeer(pair.client, { timeout: 400 });
    const timer = setInterval(() => {
      seen.add(JSON.stringify(getKeepAlive(pair.client)));
      kernelIdles.add(kernelStateOf(pair.client).idle);
    }, 2);
    expect(await answer).toMatchObject({ answered: false });
    clearInterval(timer);
    expect([...seen]).toEqual([JSON.stringify(before)]);
    expect(kernelIdles).toContain(1000);
    expect(kernelStateOf(pair.client)).toEqual(before);
  });

  it.each(['idle', 'count'] as const)('what setKeepAlive sets stays, set when %s is changed', async (what) => {
    using pair = await deadPair();
    const answer = probePeer(pair.client, { timeout: 600 });
    await changed(pair, what);
    expect(setKeepAlive(pair.client, '20:4:6')).toMatchObject({ idle: 20_000, interval: 4000, count: 6 });
    await answer;
    const expected = { enabled: true, idle: 20_000, interval: 4000, count: 6, userTimeout: 45_000 };
    expect(getKeepAlive(pair.client)).toEqual(expected);
    expect(kernelStateOf(pair.client)).toEqual(expected);
  });

  it.each(['idle', 'count'] as const)('keepalive stays off that is turned off when %s is changed', async (what) => {
    using pair = await deadPair();
    const answer = probePeer(pair.client, { timeout: 600 });
    await changed(pair, what);
    setKeepAlive(pair.client, false);
    await answer;
    expect(kernelStateOf(pair.client)).toMatchObject({ enabled: false, idle: 30_000, interval: 5000, count: 3 });
  });

  it.each(['idle', 'count'] as const)('what Node.js sets stays, set when %s is changed', async (what) => {
    using pair = await deadPair();
    const answer = probePeer(pair.client, { timeout: 600 });
    await changed(pair, what);
    pair.client.setKeepAlive(true, 20_000);
    await answer;
    expect(kernelStateOf(pair.client)).toEqual({
      enabled: true,
      idle: 20_000,
      interval: 1000,
      count: 10,
      userTimeout: 45_000,
    });
  });
});

describe('a descriptor that is closed while its peer is asked', () => {
  it('has nothing put back on the connection that is given its number', async () => {
    using pair = await deadPair();
    const answer = probePeer(pair.client, { timeout: 600 });
    await changed(pair, 'idle');
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

  it.each([
    ['30:5:3', [true, 1000], { enabled: true, idle: 1000, interval: 1000, count: 10 }],
    [false, [true], { enabled: true, idle: 30_000, interval: 5000, count: 3 }],
    ['30:5:3', [false], { enabled: false, idle: 30_000, interval: 5000, count: 3 }],
  ] as const)('what Node.js sets stays, also what looks like what was lent: %j, %j', async (policy, args, expected) => {
    using pair = await deadPair();
    const [enable, delayMs] = args as readonly [boolean, number?];
    // Node.js passes on only what differs from what it was told last.
    pair.client.setKeepAlive(!enable, 77_000);
    setKeepAlive(pair.client, '30:5:3');
    if (policy === false) setKeepAlive(pair.client, false);
    const answer = probePeer(pair.client, { timeout: 200 });
    await changed(pair, 'idle');
    pair.client.setKeepAlive(enable, delayMs);
    await answer;
    expect(kernelStateOf(pair.client)).toMatchObject(expected);
  });

  it.each(['30:5:3', false] as const)('a connection that goes to another process is as it was, %j', async (policy) => {
    using pair = await deadPair();
    setKeepAlive(pair.client, policy);
    const before = kernelStateOf(pair.client);
    const fd = duplicateDescriptor(process.pid, fdOf(pair.client));
    const answer = probePeer(pair.client, { timeout: 200 });
    await changed(pair, 'idle');
    pair.client.destroy();
    expect(await answer).toMatchObject({ answered: false });
    expect(kernelState(fd)).toEqual(before);
    closeDescriptor(fd);
  });
});
