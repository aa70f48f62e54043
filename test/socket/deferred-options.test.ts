import { once } from 'node:events';
import type net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { applyToProcess, detectionTime, setKeepAlive, watchPeers } from '../../src/index.js';
import { type CrashedPeer, crashPeer, type LoopbackPair, loopbackPair } from '../../src/testing/index.js';
import { fdOf, kernelStateOf, setOption } from '../kernel/descriptor.js';
import { endOf, infoOf, moment, runningMs } from '../kernel/observation.js';

const idleOption = 4;
const intervalOption = 5;
const countOption = 6;
const userTimeoutOption = 18;

interface Probed {
  readonly pair: LoopbackPair;
  readonly client: net.Socket;
  readonly crashed: CrashedPeer;
  /** The error that ended the connection. */
  error(): string | undefined;
}

/** A connection whose peer has left three probes or more unanswered, and that is not probed for 6 s. */
async function probedPair(): Promise<Probed> {
  const pair = await loopbackPair();
  const { client, server } = pair;
  let ended: string | undefined;
  client.on('error', (error: NodeJS.ErrnoException) => {
    ended = error.code;
  });
  server.on('error', () => {});
  for (const end of [client, server]) end.resume();
  // Without setKeepAlive, whose policy would come before that of a process.
  const set = (option: number, value: number) => setOption(fdOf(client), 6, option, value);
  set(intervalOption, 1);
  set(countOption, 50);
  setOption(fdOf(client), 1, 9, 1);
  set(idleOption, 1);
  const crashed = crashPeer(server);
  await moment(() => infoOf(client).probes === 3, 'three probes are unanswered', 8000);
  set(idleOption, 9);
  return { pair, client, crashed, error: () => ended };
}

type Change = (client: net.Socket) => unknown;

const changes: readonly [string, Change][] = [
  ['a small count', (client) => setKeepAlive(client, '5:1:3')],
  ['a count of 1, alone', (client) => setKeepAlive(client, { count: 1 })],
  ['the same count again', (client) => setKeepAlive(client, '4:1:50')],
  ['a user timeout below idle', (client) => setKeepAlive(client, '5:1:10:2')],
  ['a user timeout alone', (client) => setKeepAlive(client, { userTimeout: 1000 })],
  [
    'no user timeout any more, with a small count',
    (client) => {
      setOption(fdOf(client), 6, userTimeoutOption, 90_000);
      setOption(fdOf(client), 6, countOption, 2);
      setKeepAlive(client, { userTimeout: 0 });
    },
  ],
  [
    'a shorter idle time, with a user timeout that has passed',
    (client) => {
      setOption(fdOf(client), 6, userTimeoutOption, 2000);
      setKeepAlive(client, { idle: 5000 });
    },
  ],
  [
    'keepalive off and on',
    (client) => {
      setKeepAlive(client, false);
      setKeepAlive(client, '4:1:2');
    },
  ],
  [
    'one after the other',
    (client) => {
      setKeepAlive(client, '5:1:9');
      setKeepAlive(client, { count: 2 });
      setKeepAlive(client, { userTimeout: 1000 });
    },
  ],
];

describe.concurrent('a connection whose peer was away and is back', () => {
  it.each(changes)('is kept when it is given %s', async (_, change) => {
    const { pair, client, crashed, error } = await probedPair();
    change(client);
    crashed.revive();
    await sleep(14_000);
    expect(error()).toBeUndefined();
    expect(client.destroyed).toBe(false);
    expect(infoOf(client).probes).toBe(0);
    pair.close();
  });

  it('is told what is in force, and gets the rest when the peer has answered', async () => {
    const { pair, client, crashed } = await probedPair();
    const applied = setKeepAlive(client, '5:1:3:4');
    const { probes } = infoOf(client);
    expect(applied).toMatchObject({ idle: 5000, interval: 1000, count: 3 + probes, userTimeout: expect.any(Number) });
    expect(applied.userTimeout).toBeGreaterThan(5000);
    expect(applied.deferred).toEqual({ until: 'answered', count: 3, userTimeout: 4000 });
    expect(kernelStateOf(client)).toMatchObject({ count: 3 + probes, userTimeout: applied.userTimeout });
    crashed.revive();
    await moment(() => infoOf(client).probes === 0, 'the peer answers', 8000);
    await moment(() => kernelStateOf(client).count === 3, 'the rest is set', 1000);
    expect(kernelStateOf(client)).toMatchObject({ idle: 5000, interval: 1000, count: 3, userTimeout: 4000 });
    pair.close();
  });

  it('keeps what somebody else has set meanwhile', async () => {
    const { pair, client, crashed } = await probedPair();
    setKeepAlive(client, '5:1:3');
    setOption(fdOf(client), 6, countOption, 20);
    crashed.revive();
    await moment(() => infoOf(client).probes === 0, 'the peer answers', 8000);
    await sleep(300);
    expect(kernelStateOf(client)).toMatchObject({ idle: 5000, count: 20 });
    pair.close();
  });

  it('is kept when a watch gives it its policy', async () => {
    const { pair, client, crashed, error } = await probedPair();
    using _ = watchPeers({ sockets: [client], policy: '4:1:2' });
    crashed.revive();
    await sleep(10_000);
    expect(error()).toBeUndefined();
    expect(kernelStateOf(client)).toMatchObject({ idle: 4000, count: 2 });
    pair.close();
  });

  it('whose data were in flight is kept when it is given a short user timeout', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    let error: string | undefined;
    client.on('error', (given: NodeJS.ErrnoException) => {
      error = given.code;
    });
    for (const end of [client, server]) end.resume();
    const crashed = crashPeer(server);
    client.write('.');
    await moment(() => infoOf(client).retransmits >= 3, 'data were sent again three times', 8000);
    const applied = setKeepAlive(client, { userTimeout: 500 });
    expect(applied.deferred).toEqual({ until: 'answered', userTimeout: 500 });
    crashed.revive();
    await moment(() => infoOf(client).unacked === 0, 'the data have arrived', 8000);
    await moment(() => kernelStateOf(client).userTimeout === 500, 'the rest is set', 1000);
    expect(error).toBeUndefined();
  });
});

describe.concurrent('a connection whose peer stays away', () => {
  it('ends after as many probes more as the new count allows', async () => {
    const { pair, client } = await probedPair();
    const ended = endOf(client);
    setKeepAlive(client, '5:1:3');
    const setAt = performance.now();
    expect((await ended).code).toBe('ETIMEDOUT');
    expect(runningMs(setAt)).toBeLessThan(detectionTime('5:1:3').latestMs + 250);
    pair.close();
  });
});

// By itself, because it has every connection of the process under its policy.
describe('under applyToProcess', () => {
  it('a connection whose peer was away is kept when Node.js sets keepalive', async () => {
    const { pair, client, crashed, error } = await probedPair();
    using _ = applyToProcess('4:1:2');
    client.setKeepAlive(true, 7000);
    crashed.revive();
    await sleep(9000);
    expect(error()).toBeUndefined();
    expect(kernelStateOf(client)).toMatchObject({ idle: 4000, count: 2 });
    const closed = once(client, 'close');
    pair.close();
    await closed;
  });
});

it('leaves a connection open whose living peer does not read, and sets its user timeout once the peer does', async () => {
  using pair = await loopbackPair();
  const { client, server } = pair;
  const errors: unknown[] = [];
  for (const end of [client, server]) end.on('error', (error) => errors.push(error));
  client.pause();
  server.write(Buffer.alloc(16_000_000));
  await moment(() => infoOf(server).backoff > 2, 'the third probe of a closed window', 20_000);
  const applied = setKeepAlive(server, '30:5:3:1s');
  expect(applied).toMatchObject({ userTimeout: 0, deferred: { until: 'answered', userTimeout: 1000 } });
  await sleep(4000);
  expect(errors).toEqual([]);
  client.resume();
  await moment(() => kernelStateOf(server).userTimeout === 1000, 'the user timeout', 20_000);
});
