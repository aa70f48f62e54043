import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  DeadPeerError,
  type DeadPeerEvent,
  detectionTime,
  explainDeath,
  getKeepAlive,
  type PeerEvent,
  type PeerWatch,
  type PeerWatchOptions,
  setKeepAlive,
  watchPeers,
} from '../../src/index.js';
import { crashPeer, type LoopbackPair, loopbackPair } from '../../src/testing/index.js';
import { fdOf } from '../kernel/descriptor.js';
import { infoOf, lastHeard, moment, quietRange, runningMs } from '../kernel/observation.js';
import { connectedPair, hasIPv6, rebootPeer, type Transport } from '../peers.js';

const transports: Transport[] = ['IPv4', ...(hasIPv6 ? (['IPv6'] as const) : []), 'TLS'];

/** The kernel's estimate of a round trip on the loopback device, at most, and a look late. */
const latestSuspicionMs = 220 + 250;

interface Scene extends Disposable {
  readonly pair: LoopbackPair;
  readonly watch: PeerWatch;
  readonly events: PeerEvent[];
  next(type: string): Promise<PeerEvent>;
}

async function scene(transport: Transport, options: object, policy?: string): Promise<Scene> {
  const pair = await connectedPair(transport);
  for (const end of [pair.client, pair.server]) end.on('error', () => {});
  pair.client.resume();
  if (policy !== undefined) setKeepAlive(pair.client, policy);
  const watch = watchPeers({ sockets: [pair.client], ...options });
  const events: PeerEvent[] = [];
  for (const type of ['suspect', 'recovered', 'stalled', 'closed', 'dead'] as const) {
    watch.on(type as 'suspect', (event) => events.push(event));
  }
  return {
    pair,
    watch,
    events,
    next: async (type) => (await once(watch, type, { signal: AbortSignal.timeout(30_000) }))[0] as PeerEvent,
    [Symbol.dispose]() {
      watch.close();
      pair.close();
    },
  };
}

/** Writes until the peer, which does not read, takes nothing more. */
async function fillWindow({ client, server }: LoopbackPair): Promise<void> {
  server.pause();
  const chunk = Buffer.alloc(64 * 1024);
  while (client.writableLength < 8 * 1024 * 1024) client.write(chunk);
  await sleep(50);
}

describe.concurrent('a peer that crashes while idle', () => {
  it.each(transports)(
    'is suspect when its first probe went unanswered, and dead when the kernel says so, %s',
    async (transport) => {
      using it = await scene(transport, {}, '2:1:3');
      const { pair, events, next } = it;
      crashPeer(pair.server);
      const heard = lastHeard(fdOf(pair.client));
      const suspect = await next('suspect');
      expect(runningMs(heard.notAfter)).toBeLessThan(quietRange(2000).latestMs + latestSuspicionMs);
      expect(suspect).toMatchObject({ type: 'suspect', unanswered: 1, zeroWindow: false, unacknowledgedBytes: 0 });
      expect(suspect.socket).toBe(pair.client);
      expect(suspect.silentMs).toBeGreaterThanOrEqual(2000);
      expect(suspect.local?.port).toBe(pair.client.localPort);
      expect(suspect.next).toMatchObject({ what: 'probe' });
      const dead = (await next('dead')) as DeadPeerEvent;
      const { earliestMs, latestMs } = detectionTime('2:1:3');
      expect(performance.now() - heard.notBefore).toBeGreaterThanOrEqual(earliestMs);
      expect(runningMs(heard.notAfter)).toBeLessThan(latestMs + 250);
      expect(dead).toMatchObject({ reason: 'keepalive', decidedBy: 'kernel', unanswered: 3, next: undefined });
      expect(dead.error).toMatchObject({ code: 'ETIMEDOUT' });
      expect(dead.local?.port).toBe(suspect.local?.port);
      expect(dead.remote).toEqual(suspect.remote);
      expect(explainDeath(dead.error, pair.client)).toMatchObject({ reason: 'keepalive', unanswered: 3 });
      expect(events.map(({ type }) => type)).toEqual(['suspect', 'dead']);
      expect(it.watch.size).toBe(0);
    },
  );

  it('is suspect as soon where it has answered probes before, and the next one can be foretold', async () => {
    using it = await scene('IPv4', {}, '2:1:3');
    const { pair, next } = it;
    await sleep(7000);
    crashPeer(pair.server);
    const heard = lastHeard(fdOf(pair.client));
    expect(await next('suspect')).toMatchObject({ unanswered: 1 });
    expect(runningMs(heard.notAfter)).toBeLessThan(quietRange(2000).latestMs + latestSuspicionMs);
  });

  it('is told of also where nobody reads from the socket', async () => {
    using it = await scene('IPv4', {}, '1:1:2');
    it.pair.client.pause();
    // Node.js reads until its own buffer is full.
    it.pair.server.write(Buffer.alloc(256 * 1024));
    await moment(() => it.pair.client.readableLength >= it.pair.client.readableHighWaterMark, 'its buffer is full');
    crashPeer(it.pair.server);
    const startedAt = performance.now();
    expect(await it.next('dead')).toMatchObject({ reason: 'keepalive', decidedBy: 'kernel', error: undefined });
    expect(runningMs(startedAt)).toBeLessThan(detectionTime('1:1:2').latestMs + 250);
  });

  it('recovers when it is back before the last probe', async () => {
    using it = await scene('IPv4', {}, '1:1:5');
    const crashed = crashPeer(it.pair.server);
    await it.next('suspect');
    crashed.revive();
    expect(await it.next('recovered')).toMatchObject({ type: 'recovered', unanswered: 0 });
    await sleep(1500);
    expect(it.events.map(({ type }) => type)).toEqual(['suspect', 'recovered']);
    expect(it.pair.client.destroyed).toBe(false);
  });

  it('with a user timeout it was that', async () => {
    using it = await scene('IPv4', {}, '1:1:9:2500ms');
    crashPeer(it.pair.server);
    expect(await it.next('dead')).toMatchObject({ reason: 'user-timeout', error: { code: 'ETIMEDOUT' } });
  });
});

describe.concurrent('a peer that crashes with data in flight', () => {
  it.each(transports)('is suspect when a retransmission timed out, and dead after deadAfter, %s', async (transport) => {
    using it = await scene(transport, { deadAfter: '3s', destroy: true }, '30:5:3');
    crashPeer(it.pair.server);
    const startedAt = performance.now();
    it.pair.client.write('.');
    const died = it.next('dead');
    const suspect = await it.next('suspect');
    expect(suspect.unanswered).toBeGreaterThanOrEqual(1);
    expect(suspect.unacknowledgedBytes).toBeGreaterThan(0);
    expect(suspect.next).toMatchObject({ what: 'retransmission' });
    const dead = (await died) as DeadPeerEvent;
    const deadMs = performance.now() - startedAt;
    expect(deadMs).toBeGreaterThanOrEqual(2900);
    expect(runningMs(startedAt)).toBeLessThan(3500);
    expect(dead).toMatchObject({ reason: 'unanswered', decidedBy: 'watch' });
    expect(dead.error).toBeInstanceOf(DeadPeerError);
    expect(it.pair.client.errored).toBe(dead.error);
    expect(it.events.map(({ type }) => type)).toEqual(['suspect', 'dead']);
  });

  it('without destroy it is only told of, once', async () => {
    using it = await scene('IPv4', { deadAfter: 1000 }, '30:5:3');
    crashPeer(it.pair.server);
    it.pair.client.write('.');
    await it.next('dead');
    expect(it.pair.client.destroyed).toBe(false);
    await sleep(500);
    expect(it.events.map(({ type }) => type)).toEqual(['suspect', 'dead']);
  });
});

describe.concurrent('a peer that does not read', () => {
  it.each(transports)('is stalled, not dead, and recovers when it reads, %s', async (transport) => {
    using it = await scene(transport, { deadAfter: '1s', destroy: true }, '30:5:3');
    await fillWindow(it.pair);
    expect(await it.next('stalled')).toMatchObject({ type: 'stalled', zeroWindow: true, unanswered: 0 });
    await sleep(4000);
    expect(it.pair.client.destroyed).toBe(false);
    const recovered = it.next('recovered');
    it.pair.server.resume();
    await recovered;
    expect(it.events.map(({ type }) => type)).toEqual(['stalled', 'recovered']);
  });

  it('and then crashes is dead, because window probes go unanswered', async () => {
    using it = await scene('IPv4', { deadAfter: '2s', destroy: true }, '30:5:3');
    await fillWindow(it.pair);
    await it.next('stalled');
    crashPeer(it.pair.server);
    const dead = (await it.next('dead')) as DeadPeerEvent;
    expect(dead).toMatchObject({ reason: 'unanswered', decidedBy: 'watch', zeroWindow: true });
    expect(it.events.map(({ type }) => type)).toEqual(['stalled', 'suspect', 'dead']);
  });
});

describe.concurrent('other ends', () => {
  it('a peer that has rebooted resets', async () => {
    using it = await scene('IPv4', {}, '1:1:3');
    await rebootPeer(it.pair.server, it.pair.client);
    expect(await it.next('dead')).toMatchObject({ reason: 'reset', error: { code: 'ECONNRESET' } });
  });

  it('a peer that closes is told of as that', async () => {
    using it = await scene('IPv4', {}, '30:5:3');
    it.pair.server.end();
    expect(await it.next('closed')).toMatchObject({ error: undefined });
  });

  it('what the program itself destroys is no event', async () => {
    using it = await scene('IPv4', {}, '30:5:3');
    it.pair.client.destroy();
    await once(it.pair.client, 'close');
    expect(it.events).toEqual([]);
    expect(it.watch.size).toBe(0);
  });
});

describe('explainDeath without a watch', () => {
  const socket = new net.Socket();
  const error = (code: string, syscall?: string) => Object.assign(new Error(code), { code, syscall });

  it.each<[code: string, reason: string | undefined, syscall?: string]>([
    ['ECONNRESET', 'reset', 'read'],
    // "socket hang up": what Node.js says where the peer has closed before it was to.
    ['ECONNRESET', 'closed'],
    ['EPIPE', 'reset'],
    ['EHOSTUNREACH', 'unreachable'],
    ['ENETUNREACH', 'unreachable'],
    ['ETIMEDOUT', undefined],
    ['ERR_STREAM_PREMATURE_CLOSE', undefined],
  ])('%s is %s, of the call %s', (code, reason, syscall) => {
    expect(explainDeath(error(code, syscall), socket)).toMatchObject({ reason, unanswered: undefined });
  });

  it.each([
    Object.create(null),
    {
      get code() {
        throw new Error('not to be read');
      },
    },
    'text',
    7n,
  ])('nothing is told of what is no error, %#', (thrown) => {
    expect(explainDeath(thrown, socket)).toMatchObject({
      reason: undefined,
      text: expect.stringMatching(/ended with/),
    });
  });
});

describe('a watch', () => {
  it('yields its events to iterators until it is closed, and publishes them', async () => {
    using it = await scene('IPv4', {}, '1:1:2');
    const published: unknown[] = [];
    const listen = (message: unknown) => void published.push(message);
    subscribe('tcp-keepalive:peer:suspect', listen);
    const seen: PeerEvent[] = [];
    const reading = (async () => {
      for await (const event of it.watch) seen.push(event);
    })();
    crashPeer(it.pair.server);
    await it.next('dead');
    it.watch.close();
    await reading;
    unsubscribe('tcp-keepalive:peer:suspect', listen);
    expect(seen.map(({ type }) => type)).toEqual(['suspect', 'dead']);
    expect(published).toEqual([seen[0]]);
    expect(it.watch.listenerCount('suspect')).toBe(1);
  });

  it('watches all connections of the process from then on, at both ends', async () => {
    using watch = watchPeers({ all: true, policy: '1:1:2' });
    using pair = await loopbackPair();
    for (const end of [pair.client, pair.server]) end.on('error', () => {}).resume();
    expect(watch.size).toBe(2);
    const dead = once(watch, 'dead');
    crashPeer(pair.server);
    expect((await dead)[0]).toMatchObject({ reason: 'keepalive', socket: pair.client });
    watch.close();
    using _later = await loopbackPair();
    expect(watch.size).toBe(0);
  });

  it('two of them see the same', async () => {
    using it = await scene('IPv4', {}, '1:1:2');
    using second = watchPeers({ sockets: [it.pair.client] });
    const both = Promise.all([it.next('dead'), once(second, 'dead')]);
    crashPeer(it.pair.server);
    const [first, [other]] = await both;
    expect(other).toMatchObject({ type: 'dead', unanswered: first.unanswered });
  });

  it('tells of a peer that did not answer already when it was added', async () => {
    using pair = await loopbackPair();
    for (const end of [pair.client, pair.server]) end.on('error', () => {}).resume();
    crashPeer(pair.server);
    pair.client.write('.');
    await moment(() => infoOf(pair.client).retransmits > 1, 'two transmissions timed out');
    using watch = watchPeers({ sockets: [pair.client] });
    const [suspect] = await once(watch, 'suspect', { signal: AbortSignal.timeout(5000) });
    expect(suspect).toMatchObject({ socket: pair.client, unacknowledgedBytes: 1 });
  });

  it('tells of what it finds by itself outside of what the program was doing when it wrote', async () => {
    using pair = await loopbackPair();
    for (const end of [pair.client, pair.server]) end.on('error', () => {}).resume();
    const storage = new AsyncLocalStorage<string>();
    using watch = storage.run('watch', () => watchPeers({ sockets: [pair.client] }));
    const told = new Promise((resolve) => watch.once('suspect', () => resolve(storage.getStore())));
    await sleep(1000);
    crashPeer(pair.server);
    storage.run('request', () => pair.client.write('.'));
    expect(await told).toBe('watch');
  });

  it('is not begun at all where one of the sockets cannot be watched', async () => {
    using pair = await loopbackPair();
    const sockets = [pair.client, new net.Socket().destroy()];
    expect(() => watchPeers({ sockets, policy: '30:5:3' })).toThrow(expect.objectContaining({ code: 'EBADF' }));
    expect(getKeepAlive(pair.client).enabled).toBe(false);
  });

  it('goes on looking at the others, and tells them, where a listener throws', async () => {
    const pairs = await Promise.all([loopbackPair(), loopbackPair(), loopbackPair()]);
    for (const pair of pairs) for (const end of [pair.client, pair.server]) end.on('error', () => {}).resume();
    using watch = watchPeers({ sockets: pairs.map(({ client }) => client), policy: '1:1:2' });
    const thrown: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => thrown.push(error));
    const suspects = new Set<net.Socket>();
    watch.on('suspect', ({ socket }) => {
      suspects.add(socket);
      throw new Error('by the program');
    });
    using other = watchPeers({ sockets: pairs.map(({ client }) => client) });
    const heard = { other: 0, iterator: 0, socket: 0 };
    other.on('dead', () => {
      heard.other += 1;
    });
    watch.on('dead', () => {
      throw new Error('by the program');
    });
    (async () => {
      for await (const { type } of watch) if (type === 'dead') heard.iterator += 1;
    })();
    for (const { client } of pairs) {
      client.on('close', () => {
        heard.socket += 1;
      });
    }
    for (const pair of pairs) crashPeer(pair.server);
    await expect.poll(() => suspects.size, { timeout: 10_000 }).toBe(3);
    await expect.poll(() => thrown.length, { timeout: 10_000 }).toBe(6);
    expect(heard).toEqual({ other: 3, iterator: 3, socket: 3 });
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
    for (const pair of pairs) pair.close();
  });

  it('adds, and forgets, and does nothing twice', async () => {
    using pair = await loopbackPair();
    using watch = watchPeers({ sockets: [pair.client, pair.client] });
    expect(watch.add(pair.client).size).toBe(1);
    expect(watch.delete(pair.client)).toBe(true);
    expect(watch.delete(pair.client)).toBe(false);
    expect(watch.size).toBe(0);
    const connecting = new net.Socket();
    watch.add(connecting);
    expect(watch.size).toBe(0);
    watch.close();
    expect(watch.add(pair.client).size).toBe(0);
  });

  it.each([
    ['a destroyed socket', () => new net.Socket().destroy(), { name: 'SystemCallError', code: 'EBADF' }],
    ['a server', () => net.createServer(), { name: 'SystemCallError', code: 'ENOTCONN' }],
    ['no socket', () => ({}) as net.Socket, { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }],
  ])('refuses %s', (_, target, error) => {
    expect(() => watchPeers({ sockets: [target()] })).toThrow(expect.objectContaining(error));
  });

  it.each([
    [{}, 'sockets'],
    [{ all: true, destroy: true }, 'destroy'],
    [{ all: true, deadAfter: 'soon' }, 'deadAfter'],
    [{ all: true, deadAfter: 0 }, 'deadAfter'],
    [{ all: true, deadAfter: 45 }, 'deadAfter'],
    [{ all: true, deadAfter: '999ms' }, 'deadAfter'],
    [{ all: true, deadWithin: 2 }, 'deadWithin'],
    [{ all: true, deadafter: '45s' }, 'deadafter'],
    [{ all: 1 }, 'all'],
    [{ all: true, deadAfter: '45s', destroy: 'no' }, 'destroy'],
    [{ sockets: null }, 'sockets'],
    [{ sockets: 5 }, 'sockets'],
    [{ sockets: new net.Socket() }, 'sockets'],
    [{ all: true, sockets: [] }, 'sockets'],
    [{ all: true, highWaterMark: 0 }, 'highWaterMark'],
    [new net.Socket(), ''],
    [undefined, ''],
    [null, ''],
  ] as [PeerWatchOptions, string][])('refuses %j', (options, field) => {
    expect(() => watchPeers(options)).toThrow(expect.objectContaining({ name: 'ConfigurationError', field }));
  });

  it('says what was probably meant where a number is of seconds', () => {
    expect(() => watchPeers({ all: true, deadAfter: 45 })).toThrow(/got 45$/);
    expect(() => watchPeers({ all: true, deadAfter: 45 })).toThrow("did you mean '45s'? A number is milliseconds");
  });
});
