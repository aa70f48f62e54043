import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { DeadPeerError, type DeadPeerEvent, explainDeath, type PeerWatch, watchPeers } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { accepted, closed, closing, connected, listening, portOf } from '../endpoints.js';
import { infoOf, moment } from '../kernel/observation.js';
import { connectedPair, hasIPv6, type Transport } from '../peers.js';

const transports: Transport[] = ['IPv4', ...(hasIPv6 ? (['IPv6'] as const) : []), 'TLS'];
const rules = { policy: '1:1:3', deadAfter: '1500ms', destroy: true } as const;

/** The kernel would have sent the data again within 3 s of the first time. */
const laterMs = 2500;

const asKernelWould = { code: 'ETIMEDOUT', errno: -110, syscall: 'read' };

describe('what is written to a peer that a watch gives up', () => {
  it.each(transports)('never arrives, also when the peer is back, %s', async (transport) => {
    const { client, server } = await connectedPair(transport);
    let received = '';
    closing(client).on('data', (data) => {
      received += data;
    });
    using watch = watchPeers({ sockets: [closing(server)], ...rules });
    server.write('hello');
    await moment(() => received === 'hello', 'the first has arrived');
    const crashed = crashPeer(client);
    server.write(' PAY 100 EUR');
    const [error] = (await once(server, 'error')) as [DeadPeerError];
    expect(error).toMatchObject({ name: 'DeadPeerError', ...asKernelWould, reason: 'unanswered' });
    expect(error).toBeInstanceOf(DeadPeerError);
    expect(error.message).toMatch(/^read ETIMEDOUT: .+ 1\.[5-9] s \(\d unanswered, last heard \d\.\d s ago\)$/);
    crashed.revive();
    await sleep(laterMs);
    expect(received).toBe('hello');
    expect(watch.size).toBe(0);
  });

  it('never arrives where the program had ended its side, or ends it when it is told', async () => {
    for (const isToldFirst of [false, true]) {
      const { client, server } = await loopbackPair();
      let received = '';
      closing(client).on('data', (data) => {
        received += data;
      });
      using watch = watchPeers({ sockets: [closing(server)], ...rules });
      if (isToldFirst) watch.on('dead', () => server.destroy());
      const crashed = crashPeer(client);
      server.write('PAY 100 EUR');
      if (!isToldFirst) server.end();
      await closed(server);
      crashed.revive();
      await sleep(laterMs);
      expect(received, `told first: ${isToldFirst}`).toBe('');
    }
  });

  it('ends an http2 session and its streams with ETIMEDOUT, which gRPC takes for UNAVAILABLE', async () => {
    const server = await listening(http2.createServer() as unknown as net.Server);
    const session = http2.connect(`http://127.0.0.1:${portOf(server)}`);
    const failed = once(session, 'error');
    const [peer] = await Promise.all([accepted(server), once(session, 'connect')]);
    using watch = watchPeers({ sockets: [session], ...rules });
    crashPeer(peer);
    const request = session.request({ ':path': '/' });
    const [[error], [ofSession]] = await Promise.all([once(request, 'error'), failed]);
    expect(error).toMatchObject(asKernelWould);
    expect(ofSession).toBe(error);
    expect(watch.size).toBe(0);
  });
});

describe('a connection that the kernel ends, of which Node.js does not hear', () => {
  it('is destroyed where the peer had closed its side before it crashed', async () => {
    const server = await listening(net.createServer({ allowHalfOpen: true }));
    const [client, served] = await connected(server);
    served.resume();
    client.end();
    await once(served, 'end');
    using watch = watchPeers({ sockets: [served], policy: '1:1:2', deadAfter: '9s', destroy: true });
    const told = once(watch, 'dead') as Promise<[DeadPeerEvent]>;
    const over = closed(served);
    crashPeer(client);
    const [dead] = await told;
    await over;
    expect(dead).toMatchObject({ reason: 'keepalive', decidedBy: 'kernel', error: asKernelWould });
    expect(served.errored).toBe(dead.error);
    expect(dead.error).toBeInstanceOf(DeadPeerError);
    expect(explainDeath(undefined, served)).toMatchObject({ reason: 'keepalive', unanswered: 2 });
  });

  it('is destroyed with the reset that it has met while nobody read', async () => {
    const { client, server } = await loopbackPair();
    closing(server).pause();
    closing(client).write(Buffer.alloc(1e6));
    await moment(() => server.readableLength >= server.readableHighWaterMark, 'its buffer is full');
    using watch = watchPeers({ sockets: [server], ...rules });
    const told = once(watch, 'dead') as Promise<[DeadPeerEvent]>;
    client.resetAndDestroy();
    const [dead] = await told;
    expect(dead).toMatchObject({ reason: 'reset', decidedBy: 'kernel', error: { code: 'ECONNRESET', errno: -104 } });
    await moment(() => server.closed, 'it is closed');
    expect(server.errored).toBe(dead.error);
  });

  it('can be read for as long as deadAfter if a reset came after data, as without the watch', async () => {
    const { client, server } = await loopbackPair();
    closing(server).pause();
    closing(client).write(Buffer.alloc(100_000));
    await moment(() => client.writableLength === 0 && infoOf(client).unacked === 0, 'all has arrived', 5000);
    using watch = watchPeers({ sockets: [server], ...rules });
    const told = once(watch, 'dead') as Promise<[DeadPeerEvent]>;
    client.resetAndDestroy();
    const [dead] = await told;
    expect(dead).toMatchObject({ reason: 'reset', decidedBy: 'kernel', error: { code: 'ECONNRESET' } });
    await sleep(500);
    let read = 0;
    server.on('data', ({ length }) => {
      read += length;
    });
    server.resume();
    await closed(server);
    expect(read).toBe(100_000);
    expect(server.errored).not.toBe(dead.error);
    expect(explainDeath(undefined, server).reason).toBe('reset');
    expect(watch.status()).toMatchObject({ watched: 0, closed: 0, deaths: { reset: 1 } });
  });

  it('is not destroyed later if its socket has another connection by then, or the watch is closed', async () => {
    const server = await listening(net.createServer((socket) => void sockets.push(socket)));
    const sockets: net.Socket[] = [];
    const clients = [closing(new net.Socket()), closing(new net.Socket())] as const;
    const watches = clients.map((client) => watchPeers({ sockets: [client], ...rules }));
    for (const [index, client] of clients.entries()) {
      client.connect(portOf(server), '127.0.0.1').pause();
      await once(client, 'connect');
      const peer = closing(
        await moment(() => sockets[index] !== undefined, 'accepted').then(() => sockets[index] as net.Socket),
      );
      const told = once(watches[index] as PeerWatch, 'dead');
      peer.write(Buffer.alloc(100_000), () => setTimeout(() => peer.resetAndDestroy(), 50));
      await told;
    }
    watches[1]?.close();
    const [again, left] = clients;
    again.resume();
    await closed(again);
    again.connect(portOf(server), '127.0.0.1');
    await once(again, 'connect');
    await sleep(2000);
    expect([again.destroyed, left.destroyed]).toEqual([false, false]);
    watches[0]?.close();
  });

  it('is left to be read where the peer had closed it: what has arrived is not lost', async () => {
    const { client, server } = await loopbackPair();
    closing(server).pause();
    closing(client).resume();
    using watch = watchPeers({ sockets: [server], ...rules });
    client.end(Buffer.alloc(100_000));
    await moment(() => infoOf(server).state === 'CLOSE_WAIT', 'the peer has closed it', 5000);
    server.end();
    await moment(() => infoOf(server).state === 'CLOSE', 'the kernel has ended it', 5000);
    await moment(() => watch.size === 0, 'it has left', 5000);
    expect(server.destroyed).toBe(false);
    let read = 0;
    server.on('data', ({ length }) => {
      read += length;
    });
    server.resume();
    await closed(server);
    expect(read).toBe(100_000);
  });
});
