import { getEventListeners, once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  explainDeath,
  getKeepAlive,
  type PeerWatchOptions,
  probePeer,
  setKeepAlive,
  watchPeers,
} from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { infoOf, moment } from '../kernel/observation.js';

async function pairOf() {
  const pair = await loopbackPair();
  onTestFinished(pair.close);
  return pair;
}

async function quietPair() {
  const pair = await pairOf();
  setKeepAlive(pair.client, '30:5:9');
  await moment(() => infoOf(pair.client).lastAckReceivedMs > 1050, 'a second of quiet');
  return pair;
}

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

describe('a signal', () => {
  it('rejects probePeer with its reason, and leaves the question to other callers', async () => {
    const { client, server } = await quietPair();
    const crashed = crashPeer(server);
    const [controller, reason] = [new AbortController(), new Error('enough')];
    const { signal } = controller;
    const aborted = probePeer(client, { timeout: '30s', signal });
    const other = probePeer(client, { timeout: '30s' });
    expect(listeners(signal)).toBe(1);
    const { addEventListener } = EventTarget.prototype;
    EventTarget.prototype.addEventListener = () => {
      throw new Error('replaced');
    };
    try {
      controller.abort(reason);
      await expect(aborted).rejects.toBe(reason);
    } finally {
      EventTarget.prototype.addEventListener = addEventListener;
    }
    expect(listeners(signal)).toBe(0);
    await expect(probePeer(client, { signal })).rejects.toBe(reason);
    crashed.revive();
    expect(await other).toMatchObject({ answered: true });
    expect(getKeepAlive(client).idle).toBe(30_000);
  });

  it('leaves no listener after an answer', async () => {
    const { client } = await quietPair();
    const { signal } = new AbortController();
    expect(await probePeer(client, { signal })).toMatchObject({ answered: true });
    expect(listeners(signal)).toBe(0);
  });

  it('closes a watch, whose iterators end', async () => {
    const { client } = await pairOf();
    const controller = new AbortController();
    const watch = watchPeers({ sockets: [client], deadWithin: '2s', signal: controller.signal });
    const next = watch[Symbol.asyncIterator]().next();
    controller.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect([watch.size, listeners(controller.signal)]).toEqual([0, 0]);
  });

  it('that is aborted already leaves the sockets alone', async () => {
    const { client } = await pairOf();
    const watch = watchPeers({ sockets: [client], policy: '30:5:3', signal: AbortSignal.abort() });
    expect([watch.size, getKeepAlive(client).enabled]).toEqual([0, false]);
  });

  it('is left by a watch that is closed', () => {
    const { signal } = new AbortController();
    const watch = watchPeers({ all: true, signal });
    expect(listeners(signal)).toBe(1);
    watch.close();
    expect(listeners(signal)).toBe(0);
  });

  it.each([null, {}, 'soon', new EventTarget()])('is refused if it is %s', async (given) => {
    const signal = given as AbortSignal;
    const error = expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    expect(() => watchPeers({ all: true, signal })).toThrow(error);
    const { client } = await pairOf();
    await expect(probePeer(client, { signal })).rejects.toEqual(error);
  });
});

it('refuses `all` together with `sockets`, also in the types', () => {
  // @ts-expect-error: one or the other
  const both: PeerWatchOptions = { all: true, sockets: [] };
  expect(() => watchPeers(both)).toThrow('watchPeers: sockets must be left out with `all: true`');
});

it('drops the oldest event of an iterator that is not read, and counts it', async () => {
  const { client, server } = await pairOf();
  client.on('error', () => {}).resume();
  using watch = watchPeers({ sockets: [client], policy: '1:1:2', highWaterMark: 1 });
  using events = watch[Symbol.asyncIterator]();
  crashPeer(server);
  const [suspect] = await once(watch, 'suspect');
  expect(Number.isInteger(suspect.next.inMs)).toBe(true);
  await once(watch, 'dead');
  expect([events.dropped, watch.dropped]).toEqual([1, 1]);
  expect(await events.next()).toMatchObject({ value: { type: 'dead' } });
});

it.each([
  [{ code: 'ECONNREFUSED', syscall: 'connect' }, 'refused', /nobody listens/],
  [{ code: 'ECONNREFUSED', syscall: 'read' }, 'unreachable', /no way to the peer/],
  [{ code: 'ETIMEDOUT', syscall: 'read' }, undefined, /probes or data unanswered.*watchPeers/],
  [{ code: 'ETIMEDOUT', syscall: 'connect' }, undefined, /attempt to connect/],
])('explains %j', (error, reason, text) => {
  expect(explainDeath(error)).toMatchObject({ reason, text: expect.stringMatching(text) });
});
