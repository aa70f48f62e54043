import { fork } from 'node:child_process';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  detectionTime,
  getKeepAlive,
  type PeerEvent,
  type PeerWatch,
  setKeepAlive,
  watchPeers,
} from '../../src/index.js';
import { carrierOf } from '../../src/node/handle.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { accepted, clientTls, closed, closing, connected, listening, portOf, serverTls } from '../endpoints.js';
import { infoOf, moment, quietRange, runningMs } from '../kernel/observation.js';
import { connectedPair } from '../peers.js';

/** A watch with all that it tells. */
function listenedTo(watch: PeerWatch): [PeerWatch, PeerEvent[]] {
  onTestFinished(() => watch.close());
  const events: PeerEvent[] = [];
  for (const type of ['suspect', 'recovered', 'stalled', 'closed', 'dead'] as const) {
    watch.on(type as 'suspect', (event) => events.push(event));
  }
  return [watch, events];
}

const next = async (watch: PeerWatch, type: string): Promise<PeerEvent> =>
  (await once(watch, type, { signal: AbortSignal.timeout(60_000) }))[0] as PeerEvent;

/** A connection that is to be watched, its far end, and what sends something on it. */
interface Sender {
  readonly watched: net.Socket;
  readonly peer: net.Socket;
  send(): void;
}

async function plainSender(transport: 'IPv4' | 'TLS'): Promise<Sender> {
  const { client, server } = await connectedPair(transport);
  for (const end of [client, server]) closing(end).resume();
  return { watched: client, peer: server, send: () => client.write('.') };
}

/** Node.js puts TLS on a socket that has no handle yet in another way. */
async function overSender(): Promise<Sender> {
  const server = await listening(tls.createServer(serverTls));
  const raw = closing(new net.Socket());
  const watched = closing(tls.connect({ ...clientTls, socket: raw }));
  raw.connect(portOf(server), '127.0.0.1');
  const [peer] = await Promise.all([accepted(server, 'secureConnection'), once(watched, 'secureConnect')]);
  for (const end of [watched, closing(peer)]) end.resume();
  await sleep(300);
  return { watched, peer, send: () => watched.write('.') };
}

/** Its frames are written below the socket, which counts none of them. */
async function http2Sender(): Promise<Sender> {
  const server = await listening(http2.createServer());
  const session = http2.connect(`http://127.0.0.1:${portOf(server as unknown as net.Server)}`);
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  const [peer] = await Promise.all([accepted(server as unknown as net.Server), once(session, 'remoteSettings')]);
  const watched = (session.socket as net.Socket).off('none', () => {});
  // Each side acknowledges the other's settings.
  await sleep(300);
  return { watched, peer, send: () => session.request().on('error', () => {}) };
}

const senders: Readonly<Record<string, () => Promise<Sender>>> = {
  'plain TCP': () => plainSender('IPv4'),
  TLS: () => plainSender('TLS'),
  'TLS over a socket': overSender,
  http2: http2Sender,
};

describe('data that are sent to a dead peer', () => {
  it.each(Object.keys(senders))('are noticed long before a probe is due, %s', async (kind) => {
    const { watched, peer, send } = await (senders[kind] as () => Promise<Sender>)();
    setKeepAlive(watched, '30:5:3');
    const [watch] = listenedTo(watchPeers({ sockets: [watched] }));
    const info = () => infoOf(carrierOf(watched));
    await moment(() => info().unacked === 0, 'nothing is in flight');
    crashPeer(peer);
    await sleep(1000);
    // What http2 writes is announced by nothing; once it has written, it is followed.
    const latestMs = kind === 'http2' ? 2000 + 500 : 500;
    send();
    const timedOut = moment(() => info().retransmits > 0, 'a transmission timed out');
    const suspect = await next(watch, 'suspect');
    const suspectedAt = performance.now();
    expect(suspect.unacknowledgedBytes).toBeGreaterThan(0);
    expect(suspect.next).toMatchObject({ what: 'retransmission' });
    // The promise is a fourth of a second; a busy machine may add as much.
    expect(runningMs((await timedOut).notBefore, suspectedAt)).toBeLessThan(latestMs);
  });
});

describe('options that are set while a connection is watched', () => {
  it('are noticed at once, where they make a probe come sooner', async () => {
    const { watched, peer } = await plainSender('IPv4');
    const [watch] = listenedTo(watchPeers({ sockets: [watched], policy: '600:5:3' }));
    await sleep(1000);
    crashPeer(peer);
    setKeepAlive(watched, '2:1:3');
    const startedAt = performance.now();
    await next(watch, 'suspect');
    expect(runningMs(startedAt)).toBeLessThan(quietRange(2000).latestMs + 220 + 500);
  });

  it('are noticed as soon where Node.js sets them', async () => {
    const { watched, peer } = await plainSender('IPv4');
    const [watch] = listenedTo(watchPeers({ sockets: [watched], policy: '600:5:3' }));
    await sleep(1000);
    crashPeer(peer);
    watched.setKeepAlive(true, 2000);
    const startedAt = performance.now();
    await next(watch, 'suspect');
    expect(runningMs(startedAt)).toBeLessThan(quietRange(2000).latestMs + 220 + 500);
  });
});

describe('the end of a connection from which nobody reads', () => {
  it('is told of although Node.js does not hear of it', async () => {
    const { client, server } = await loopbackPair();
    for (const end of [client, server]) closing(end);
    client.pause();
    // Node.js reads until its own buffer is full.
    server.write(Buffer.alloc(256 * 1024));
    await moment(() => client.readableLength >= client.readableHighWaterMark, 'its buffer is full');
    const [watch, events] = listenedTo(watchPeers({ sockets: [client], policy: '30:5:3' }));
    await sleep(2500);
    server.resetAndDestroy();
    const resetAt = performance.now();
    expect(await next(watch, 'dead')).toMatchObject({ reason: 'reset', decidedBy: 'kernel', error: undefined });
    expect(runningMs(resetAt)).toBeLessThan(1000);
    expect(client.destroyed).toBe(false);
    expect([events.length, watch.size]).toEqual([1, 0]);
  });
});

describe('with all: true', () => {
  it('the death below TLS is told of the TLS socket, of a server and of a client that was given a socket', async () => {
    const [watch, events] = listenedTo(watchPeers({ all: true, policy: '30:5:3' }));
    const server = await listening(tls.createServer(serverTls));
    const raw = closing(net.connect(portOf(server), '127.0.0.1'));
    await once(raw, 'connect');
    const client = closing(tls.connect({ ...clientTls, socket: raw }));
    const [served] = await Promise.all([accepted(server, 'secureConnection'), once(client, 'secureConnect')]);
    for (const end of [client, closing(served)]) end.resume();
    await sleep(300);
    expect([watch.size, watch.has(client), watch.has(served), watch.has(raw)]).toEqual([2, true, true, false]);
    crashPeer(client);
    // Long before a probe is due, and before the round that finds what is not announced.
    served.write('.');
    const timedOut = moment(() => infoOf(served).retransmits > 0, 'a transmission timed out');
    await next(watch, 'suspect');
    const suspectedAt = performance.now();
    expect(runningMs((await timedOut).notBefore, suspectedAt)).toBeLessThan(500);
    setKeepAlive(served, { userTimeout: '3s' });
    const [dead] = await once(watch, 'dead');
    expect(dead).toMatchObject({ reason: 'user-timeout', error: { code: 'ETIMEDOUT' } });
    expect(dead.socket).toBe(served);
    expect(events.map(({ type, socket }) => [type, socket === served])).toEqual([
      ['suspect', true],
      ['dead', true],
    ]);
  });
});

describe('the end of a connection', () => {
  const watchedPair = async (options = {}) => {
    const pair = await loopbackPair();
    for (const end of [pair.client, pair.server]) closing(end).resume();
    const [watch, events] = listenedTo(watchPeers({ sockets: [pair.client], policy: '30:5:3', ...options }));
    return { ...pair, watch, events };
  };

  it('that its program made with an error of its own is no event', async () => {
    const { client, watch, events } = await watchedPair();
    client.destroy(new Error('enough'));
    await closed(client);
    expect([events, watch.size]).toEqual([[], 0]);
  });

  it.each(['reset', 'unanswered'])(
    'in a pipeline is that of the one that died, not of those it takes along, %s',
    async (reason) => {
      const [upstream, downstream] = await Promise.all([loopbackPair(), loopbackPair()]);
      for (const { client, server } of [upstream, downstream]) for (const end of [client, server]) closing(end);
      const sockets = [downstream.server, upstream.client];
      const [watch, events] = listenedTo(watchPeers({ sockets, policy: '30:5:3', deadAfter: '1s', destroy: true }));
      const ended = new Promise((resolve) => pipeline(upstream.client, downstream.server, resolve));
      await sleep(50);
      if (reason === 'reset') upstream.server.resetAndDestroy();
      else {
        crashPeer(upstream.server);
        upstream.client.write('.');
      }
      await ended;
      await moment(() => watch.size === 0, 'both are destroyed');
      const dead = events.filter(({ type }) => type === 'dead');
      expect(dead).toMatchObject([{ type: 'dead', reason }]);
      expect(dead[0]?.socket).toBe(upstream.client);
    },
  );

  it('by one watch is told as that by another', async () => {
    const { client, server, watch } = await watchedPair({ deadAfter: '1s', destroy: true });
    const [other] = listenedTo(watchPeers({ sockets: [client] }));
    crashPeer(server);
    client.write('.');
    const [dead, told] = await Promise.all([next(watch, 'dead'), next(other, 'dead')]);
    for (const event of [dead, told]) expect(event).toMatchObject({ reason: 'unanswered', decidedBy: 'watch' });
  });

  it('says nothing of a window that was closed and open again', async () => {
    const { client, server, watch } = await watchedPair();
    server.pause();
    client.write(Buffer.alloc(16 * 1024 * 1024));
    await next(watch, 'stalled');
    server.resume();
    await next(watch, 'recovered');
    await moment(() => client.writableLength === 0 && infoOf(client).unacked === 0, 'all is sent');
    server.end();
    expect(await next(watch, 'closed')).toMatchObject({ zeroWindow: undefined, silentMs: undefined });
  });

  it('is told of where the peer had closed its side before, and Node.js hears no more', async () => {
    const server = await listening(net.createServer());
    const client = closing(net.connect({ port: portOf(server), host: '127.0.0.1', allowHalfOpen: true }));
    const [peer] = await Promise.all([accepted(server), once(client, 'connect')]);
    const [watch] = listenedTo(watchPeers({ sockets: [client], policy: '30:5:3' }));
    peer.end();
    await once(client.resume(), 'end');
    await sleep(200);
    // It has closed its side, so that only an RST tells that it takes nothing any more.
    client.write('.');
    await sleep(200);
    peer.destroy();
    client.write('.');
    expect(await next(watch, 'dead')).toMatchObject({ reason: 'reset', decidedBy: 'kernel' });
    expect(watch.size).toBe(0);
  });

  it('is noticed where the program has removed all listeners', async () => {
    const { client, watch } = await watchedPair({ policy: '1:1:3' });
    client.removeAllListeners();
    client.on('error', () => {}).destroy();
    await moment(() => watch.size === 0, 'it has left');
  });
});

describe('the handles of Node.js', () => {
  const methods = ['writeBuffer', 'writev', 'shutdown', 'connect'] as const;
  const methodsOf = (socket: net.Socket) => {
    const { _handle: handle } = socket as unknown as { _handle: Record<string, unknown> };
    return methods.map((method) => handle[method]);
  };

  it('are as before once no connection is watched, also by watches that were never closed', async () => {
    using other = await loopbackPair();
    const before = methodsOf(other.client);
    const pairs = await Promise.all([loopbackPair(), loopbackPair()]);
    const watches = pairs.map(({ client }) => watchPeers({ sockets: [client.resume()] }));
    expect(methodsOf(other.client)).not.toEqual(before);
    for (const pair of pairs) pair.close();
    await moment(() => watches.every(({ size }) => size === 0), 'all have left');
    expect(methodsOf(other.client)).toEqual(before);
  });

  it('are as before after watches of all connections that overlapped', async () => {
    using other = await loopbackPair();
    const before = methodsOf(other.client);
    const first = watchPeers({ all: true });
    const second = watchPeers({ all: true });
    first.close();
    const third = watchPeers({ all: true });
    expect(methodsOf(other.client)).not.toEqual(before);
    second.close();
    third.close();
    expect(methodsOf(other.client)).toEqual(before);
  });

  it('leave no listener on a socket that tries again and again, with all: true', async () => {
    const [watch] = listenedTo(watchPeers({ all: true }));
    const socket = closing(new net.Socket());
    for (let attempt = 0; attempt < 3; attempt += 1) {
      socket.connect(1, '127.0.0.1');
      await new Promise((resolve) => socket.once('close', resolve));
    }
    expect([socket.listenerCount('connect'), socket.listenerCount('close'), watch.size]).toEqual([0, 0, 0]);
  });
});

describe('a socket below TLS', () => {
  it('is one connection with what lies above it, whichever is added first', async () => {
    const { client } = await connectedPair('TLS');
    const server = await listening(tls.createServer(serverTls));
    const raw = closing(net.connect(portOf(server), '127.0.0.1'));
    await once(raw, 'connect');
    const over = closing(tls.connect({ ...clientTls, socket: raw }));
    await once(over, 'secureConnect');
    const [watch] = listenedTo(watchPeers({ sockets: [closing(client), raw] }));
    expect([watch.size, watch.has(raw)]).toEqual([2, true]);
    expect([watch.add(over).size, watch.has(raw), watch.has(over)]).toEqual([2, false, true]);
    expect([watch.add(raw).size, watch.has(raw), watch.has(over)]).toEqual([2, false, true]);
    expect(watch.delete(over)).toBe(true);
    expect(watch.size).toBe(1);
  });
});

describe('a socket that is handed to another process', () => {
  it('leaves the watch, which tells nothing of it', async () => {
    const keeper = fork(new URL('programs/keeps.mjs', import.meta.url));
    onTestFinished(() => void keeper.kill());
    await once(keeper, 'message');
    const [, served] = await connected(await listening(net.createServer({ pauseOnConnect: true })));
    const [watch, events] = listenedTo(watchPeers({ sockets: [served], policy: '1:1:2' }));
    const kept = once(keeper, 'message');
    keeper.send('take', served);
    await kept;
    await moment(() => watch.size === 0, 'it has left');
    await sleep(500);
    expect(events).toEqual([]);
    keeper.disconnect();
  });
});

describe('a socket that is yet to be connected', () => {
  it('has no listener of a watch, and can be taken out', async () => {
    const [watch] = listenedTo(watchPeers({ sockets: [] }));
    const server = await listening(net.createServer());
    const [deleted, kept] = [closing(new net.Socket()), closing(new net.Socket())];
    const before = kept.eventNames();
    for (const socket of [deleted, kept]) watch.add(socket).add(socket);
    expect(kept.eventNames()).toEqual(before);
    expect([watch.delete(deleted), watch.delete(deleted)]).toEqual([true, false]);
    for (const socket of [deleted, kept]) socket.connect(portOf(server), '127.0.0.1');
    await Promise.all([once(deleted, 'connect'), once(kept, 'connect')]);
    expect([watch.size, watch.has(kept)]).toEqual([1, true]);
  });

  it.each(['by name', 'with all others'])('is watched although the program removes all listeners, %s', async (how) => {
    const isAll = how === 'with all others';
    const [watch] = listenedTo(watchPeers({ ...(isAll ? { all: true } : { sockets: [] }), policy: '1:1:2' }));
    const server = await listening(net.createServer());
    const socket = net.connect(portOf(server), '127.0.0.1');
    if (!isAll) watch.add(socket);
    const [peer] = await Promise.all([
      accepted(server),
      new Promise<void>((resolve) => {
        socket.removeAllListeners();
        closing(socket).once('connect', () => resolve());
      }),
    ]);
    expect(watch.has(socket)).toBe(true);
    socket
      .removeAllListeners()
      .on('error', () => {})
      .resume();
    crashPeer(peer);
    const dead = new Promise((resolve) => {
      watch.on('dead', (event) => event.socket === socket && resolve(event));
    });
    expect(await dead).toMatchObject({ reason: 'keepalive' });
    await moment(() => !watch.has(socket), 'it has left');
  });

  it('has the policy of the watch each time that it connects, unless the program gave it one', async () => {
    const [watch] = listenedTo(watchPeers({ all: true, policy: '30:5:3:45ms' }));
    const server = await listening(net.createServer());
    const [again, own] = [closing(new net.Socket()), closing(new net.Socket())];
    for (let turn = 0; turn < 2; turn += 1) {
      again.connect(portOf(server), '127.0.0.1');
      await once(again, 'connect');
      expect(watch.has(again)).toBe(true);
      expect(getKeepAlive(again)).toMatchObject({ idle: 30_000, interval: 5000, count: 3, userTimeout: 45 });
      again.destroy();
      await closed(again);
    }
    setKeepAlive(own, '20:4:6');
    own.connect(portOf(server), '127.0.0.1');
    await once(own, 'connect');
    expect(getKeepAlive(own)).toMatchObject({ idle: 20_000, interval: 4000, count: 6 });
  });

  it('is watched also where it was connecting already when it was added', async () => {
    const [watch] = listenedTo(watchPeers({ sockets: [] }));
    const server = await listening(net.createServer());
    const socket = closing(net.connect(portOf(server), '127.0.0.1'));
    await once(socket, 'connectionAttempt');
    await new Promise((resolve) => process.nextTick(resolve));
    watch.add(socket);
    await moment(() => watch.has(socket), 'it is watched');
  });

  it('is watched also where it was connecting already, and TLS is put on it at once', async () => {
    const [watch] = listenedTo(watchPeers({ sockets: [] }));
    const server = await listening(tls.createServer(serverTls));
    const raw = closing(new net.Socket());
    raw.connect(portOf(server), '127.0.0.1');
    await once(raw, 'connectionAttempt');
    watch.add(raw);
    await once(raw, 'connect');
    const over = closing(tls.connect({ ...clientTls, socket: raw }));
    await once(over, 'secureConnect');
    await moment(() => watch.has(raw), 'it is watched');
  });

  it.each(['a microtask', 'a timer'])('is watched as TLS where TLS is put on it in %s that opens it', async (where) => {
    const [watch] = listenedTo(watchPeers({ all: true }));
    const server = await listening(tls.createServer(serverTls));
    const open = () => {
      const raw = closing(net.connect(portOf(server), '127.0.0.1'));
      return { raw, over: closing(tls.connect({ ...clientTls, socket: raw })) };
    };
    // Node.js calls `connect` of the handle in its next tick: after the microtasks of a microtask, before those of a timer.
    await sleep(1);
    const { raw, over } =
      where === 'a timer'
        ? await new Promise<ReturnType<typeof open>>((resolve) => setTimeout(() => resolve(open()), 1))
        : await Promise.resolve().then(open);
    await once(over, 'secureConnect');
    await moment(() => watch.has(over), 'it is watched');
    expect(watch.has(raw)).toBe(false);
  });

  it('is watched once it is connected', async () => {
    const [watch] = listenedTo(watchPeers({ sockets: [] }));
    const server = await listening(net.createServer());
    const socket = closing(new net.Socket());
    watch.add(socket);
    socket.connect(portOf(server), '127.0.0.1');
    await once(socket, 'connect');
    expect([watch.size, watch.has(socket)]).toEqual([1, true]);
  });

  it('is none of the watch if it turns out to be a unix-domain socket', async () => {
    const file = path.join(tmpdir(), `tcp-keepalive-${process.pid}-${Date.now()}.sock`);
    const server = closing(net.createServer()).listen(file);
    await once(server, 'listening');
    const [watch] = listenedTo(watchPeers({ sockets: [] }));
    const socket = closing(net.connect(file));
    watch.add(socket);
    await once(socket, 'connect');
    expect([watch.size, socket.destroyed]).toEqual([0, false]);
    expect(() => watch.add(socket)).toThrow(expect.objectContaining({ name: 'UnsupportedError' }));
  });
});

describe('piped sockets', () => {
  it('are watched like any other: one that dies ends with its reason', async () => {
    const [upstream, downstream] = await Promise.all([loopbackPair(), loopbackPair()]);
    for (const { client, server } of [upstream, downstream]) for (const end of [client, server]) closing(end);
    upstream.client.pipe(downstream.server);
    downstream.server.pipe(upstream.client);
    const [watch, events] = listenedTo(watchPeers({ sockets: [upstream.client, downstream.server], policy: '1:1:2' }));
    crashPeer(upstream.server);
    const startedAt = performance.now();
    const dead = await next(watch, 'dead');
    expect(runningMs(startedAt)).toBeLessThan(detectionTime('1:1:2').latestMs + 250);
    expect(dead).toMatchObject({ reason: 'keepalive', socket: upstream.client });
    expect(events.map(({ type }) => type)).toEqual(['suspect', 'dead']);
    expect(watch.has(downstream.server)).toBe(true);
  });
});
