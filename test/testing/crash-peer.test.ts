import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { detectionTime, getKeepAlive, setKeepAlive } from '../../src/index.js';
import { crashPeer, type LoopbackPair, loopbackPair } from '../../src/testing/index.js';
import { abort } from '../endpoints.js';
import { fdOf } from '../kernel/descriptor.js';
import { expectElapsed } from '../kernel/expectation.js';
import {
  endOf,
  infoOf,
  lastHeard,
  lastSignOfLife,
  moment,
  receivedSegments,
  sentSegments,
} from '../kernel/observation.js';
import { connectedPair, hasIPv6 } from '../peers.js';
import { cannotRun } from '../requirement.js';

vi.setConfig({ maxConcurrency: 100 });

const withoutIPv6 = cannotRun(!hasIPv6, 'this machine has no address ::1');

/** An IPv4 client on a server that listens on the IPv6 wildcard: both speak IPv4, the server on an IPv6 socket. */
async function mappedPair(): Promise<LoopbackPair> {
  const listener = net.createServer();
  listener.listen({ port: 0, host: '::', ipv6Only: false });
  await once(listener, 'listening');
  const client = net.connect((listener.address() as net.AddressInfo).port, '127.0.0.1');
  const [server] = (await once(listener, 'connection')) as [net.Socket];
  listener.close();
  for (const end of [client, server]) end.on('error', () => {});
  expect(server.remoteAddress).toBe('::ffff:127.0.0.1');
  const close = () => {
    abort(client);
    abort(server);
  };
  return { client, server, close, [Symbol.dispose]: close };
}

/** The same connection seen from its other end: the peer that crashes is then the accepted socket. */
async function turned(pair: Promise<LoopbackPair>): Promise<LoopbackPair> {
  const { client, server, close } = await pair;
  return { client: server, server: client, close, [Symbol.dispose]: close };
}

const kinds = [
  { kind: 'IPv4', needsIPv6: false, connect: () => connectedPair('IPv4') },
  { kind: 'IPv6', needsIPv6: true, connect: () => connectedPair('IPv6') },
  { kind: 'TLS', needsIPv6: false, connect: () => connectedPair('TLS') },
  { kind: 'IPv4 on a dual-stack server', needsIPv6: true, connect: mappedPair },
  { kind: 'IPv4, the accepted end', needsIPv6: false, connect: () => turned(connectedPair('IPv4')) },
  { kind: 'TLS, the accepted end', needsIPv6: false, connect: () => turned(connectedPair('TLS')) },
  { kind: 'IPv4-mapped IPv6, the accepted end', needsIPv6: true, connect: () => turned(mappedPair()) },
];

for (const { kind, needsIPv6, connect } of kinds) {
  describe.skipIf(needsIPv6 && withoutIPv6).concurrent(`crashPeer over ${kind}`, () => {
    it('makes the peer vanish: no FIN, no RST, no ACK, until keepalive finds it dead', async () => {
      using pair = await connect();
      const { client, server } = pair;
      const end = endOf(server);
      setKeepAlive(server, '1:1:2');
      await lastSignOfLife(client, server);
      const { unacknowledged } = crashPeer(client);
      const heard = lastHeard(fdOf(server));
      const received = receivedSegments(server);
      expect(unacknowledged).toBe(0);
      await moment(() => infoOf(server).probes >= 2, 'the second unanswered probe');
      expect(receivedSegments(server)).toBe(received);
      const { at, ...how } = await end;
      expect(how).toEqual({ code: 'ETIMEDOUT', finReceived: false });
      expectElapsed(heard, at, detectionTime('1:1:2'));
    });

    it('revives it: what was sent meanwhile comes through, and so does the answer', async () => {
      using pair = await connect();
      const { client, server } = pair;
      await lastSignOfLife(client, server);
      const crashed = crashPeer(client);
      let arrived = '';
      client.on('data', (data) => {
        arrived += data;
      });
      client.resume();
      server.write('while you were out');
      await moment(() => infoOf(server).retransmits >= 2, 'the second retransmission');
      expect(arrived).toBe('');
      expect(infoOf(server).unacked).toBe(1);

      crashed.revive();
      await moment(() => arrived === 'while you were out', 'what was sent');
      await moment(() => infoOf(server).unacked === 0, 'its acknowledgement');
      client.write('back again');
      server.setEncoding('utf8').resume();
      let answer = '';
      server.on('data', (data) => {
        answer += data;
      });
      await moment(() => answer.endsWith('back again'), 'the answer');
    });
  });
}

describe.concurrent('crashPeer', () => {
  it('revived before the last probe, the connection lives on', async () => {
    using pair = await loopbackPair();
    setKeepAlive(pair.server, '1:3:3');
    await lastSignOfLife(pair.client, pair.server);
    const crashed = crashPeer(pair.client);
    await moment(() => infoOf(pair.server).probes >= 2, 'the second unanswered probe');
    crashed.revive();
    await moment(() => infoOf(pair.server).probes === 0, 'an answered probe');
    const sent = sentSegments(pair.server);
    await moment(() => sentSegments(pair.server) >= sent + 2, 'two more probes');
    await moment(() => infoOf(pair.server).probes === 0, 'their answers');
    expect(infoOf(pair.server).state).toBe('ESTABLISHED');
  });

  it('revives the peer at the end of a `using` block', async () => {
    using pair = await loopbackPair();
    pair.client.resume();
    await lastSignOfLife(pair.client, pair.server);
    {
      using _crashed = crashPeer(pair.client);
      pair.server.write('x');
      await moment(() => infoOf(pair.server).retransmits > 0, 'a retransmission');
    }
    await moment(() => infoOf(pair.server).unacked === 0, 'the acknowledgement');
  });

  it('may be revived repeatedly, and crash again after that', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    client.resume();
    await lastSignOfLife(client, server);
    const first = crashPeer(client);
    first.revive();
    first.revive();
    const second = crashPeer(client);
    first.revive();
    server.write('x');
    await moment(() => infoOf(server).retransmits >= 2, 'the second retransmission');
    second.revive();
    await moment(() => infoOf(server).unacked === 0, 'the acknowledgement');
  });

  it('may be revived when the peer has been destroyed meanwhile', async () => {
    using pair = await loopbackPair();
    setKeepAlive(pair.client, '30:5:3');
    const crashed = crashPeer(pair.client);
    pair.client.destroy();
    expect(() => crashed.revive()).not.toThrow();
    await once(pair.client, 'close');
    expect(() => crashed.revive()).not.toThrow();
  });

  it("ends the silence when the peer is destroyed: its kernel's FIN arrives", async () => {
    using pair = await loopbackPair();
    const end = endOf(pair.server);
    crashPeer(pair.client);
    pair.client.destroy();
    expect((await end).finReceived).toBe(true);
  });

  it("silences the peer's own keepalive and gives it back as it was", async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    setKeepAlive(client, '1:1:9');
    const before = getKeepAlive(client);
    await lastSignOfLife(client, server);
    const received = receivedSegments(server);
    const crashed = crashPeer(client);
    expect(getKeepAlive(client).enabled).toBe(false);
    await delay(detectionTime('1:1:1').latestMs);
    expect(receivedSegments(server)).toBe(received);

    crashed.revive();
    expect(getKeepAlive(client)).toEqual(before);
    await moment(() => receivedSegments(server) > received, "the peer's own probe");
  });

  it('leaves a peer without keepalive without it', async () => {
    using pair = await loopbackPair();
    crashPeer(pair.client).revive();
    expect(getKeepAlive(pair.client).enabled).toBe(false);
  });

  it('waits until what the peer has just sent is acknowledged', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    server.resume();
    client.write('x');
    expect(crashPeer(client).unacknowledged).toBe(0);
    expect(infoOf(client).unacked).toBe(0);
  });

  it('says how much of it will not be acknowledged', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    await lastSignOfLife(client, server);
    crashPeer(server);
    client.write('x');
    expect(crashPeer(client).unacknowledged).toBe(1);
  });

  it('refuses a socket that has been destroyed', async () => {
    using pair = await loopbackPair();
    pair.client.destroy();
    expect(() => crashPeer(pair.client)).toThrow(expect.objectContaining({ name: 'SystemCallError', code: 'EBADF' }));
  });

  it('refuses a socket that is not connected', () => {
    const socket = new net.Socket();
    expect(() => crashPeer(socket)).toThrow(expect.objectContaining({ name: 'SystemCallError', code: 'ENOTCONN' }));
  });

  it('refuses a socket that is connecting', async () => {
    const listener = net.createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const socket = net.connect((listener.address() as net.AddressInfo).port, '127.0.0.1');
    expect(() => crashPeer(socket)).toThrow(expect.objectContaining({ name: 'SystemCallError', code: 'ENOTCONN' }));
    socket.destroy();
    listener.close();
  });

  it.for([null, undefined, 7, {}, 'socket'])('refuses %j', (given) => {
    expect(() => crashPeer(given as unknown as net.Socket)).toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });
});
