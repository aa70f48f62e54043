import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { allStates, currentNamespace, dumpConnections } from '../../src/host/dump/dump.js';
import type { HostConnection } from '../../src/host/list/connection.js';
import { setKeepAlive } from '../../src/index.js';
import { crashPeer, type LoopbackPair, loopbackPair } from '../../src/testing/index.js';
import { accepted, closing, connected, listening, portOf } from '../endpoints.js';
import { rawListener } from '../kernel/descriptor.js';
import { infoOf, moment } from '../kernel/observation.js';
import { openSocketInodes } from '../kernel/proc.js';
import { hasIPv6 } from '../peers.js';
import { cannotRun } from '../requirement.js';
import { compareWithRetransmission } from './comparison.js';

const withoutSs = cannotRun(spawnSync('ss', ['-V']).status !== 0, 'comparing with ss needs iproute2');
const withoutIPv6 = cannotRun(!hasIPv6, 'it needs the address ::1');

/** Our connection that has a port at each end; another test's may have the same, at other addresses. */
function find(local: number, remote: number, options: Parameters<typeof dumpConnections>[0] = {}): HostConnection {
  const { connections } = dumpConnections({ states: allStates, ...options });
  const own = new Set(openSocketInodes());
  const isOurs = ({ inode, state }: HostConnection) => own.has(String(inode)) || state === 'TIME_WAIT';
  const found = connections.filter((row) => row.local.port === local && row.remote.port === remote && isOurs(row));
  expect(found).toHaveLength(1);
  return found[0] as HostConnection;
}

const rowOf = (socket: net.Socket, options = {}) =>
  find(socket.localPort as number, socket.remotePort as number, options);

/** A connection of which the server has closed its end first: it is in TIME_WAIT. */
async function timeWaitPort(): Promise<[number, number]> {
  const server = await listening(net.createServer({ allowHalfOpen: false }));
  const [client, socket] = await connected(server);
  const ports: [number, number] = [socket.localPort as number, socket.remotePort as number];
  client.resume();
  socket.resume().end();
  await Promise.all([once(client, 'close'), once(socket, 'close')]);
  return ports;
}

/** A client whose server does not read, so that what it sends fills both windows and its queue. */
async function stalledClient(pair: LoopbackPair): Promise<void> {
  pair.server.pause();
  const piece = Buffer.alloc(1 << 20);
  while (pair.client.write(piece)) await new Promise(setImmediate);
  pair.client.write(Buffer.alloc(16 << 20));
  await moment(() => rowOf(pair.client).timer?.kind === 'persist', 'a window probe');
}

describe('a dump describes a connection', () => {
  it('by its ends, its state, its owner and its namespace', async () => {
    using pair = await loopbackPair();
    const row = rowOf(pair.client);
    expect(row).toMatchObject({
      family: 4,
      local: { address: '127.0.0.1', port: pair.client.localPort },
      remote: { address: '127.0.0.1', port: pair.server.localPort },
      state: 'ESTABLISHED',
      timer: null,
      unanswered: 0,
      receiveQueue: 0,
      sendQueue: 0,
      uid: process.getuid?.(),
      interfaceIndex: 0,
      info: undefined,
      netns: currentNamespace(),
    });
    expect(row.inode).toBeGreaterThan(0);
    expect(row.cookie).toBeGreaterThan(0n);
    expect(rowOf(pair.client).cookie).toBe(row.cookie);
    expect(rowOf(pair.server).cookie).not.toBe(row.cookie);
  });

  it('with what TCP_INFO says, when it is asked', async () => {
    using pair = await loopbackPair();
    pair.client.write('hello');
    await once(pair.server, 'data');
    await moment(() => infoOf(pair.client).unacked === 0, 'the data is acknowledged');
    const before = infoOf(pair.client);
    const { info } = rowOf(pair.client, { info: true });
    const direct = infoOf(pair.client);
    expect(info?.state).toBe('ESTABLISHED');
    expect(info?.bytesSent).toBe(5);
    expect(info?.segmentsOut).toBe(direct.segmentsOut);
    expect(info?.sendMss).toBe(direct.sendMss);
    expect(info?.rttMs).toBe(direct.rttMs);
    expect(info?.lastDataSentMs).toBeGreaterThanOrEqual(before.lastDataSentMs);
    expect(info?.lastDataSentMs).toBeLessThanOrEqual(direct.lastDataSentMs);
  });

  it('by its keepalive timer and the probes that were not answered', async () => {
    using pair = await loopbackPair();
    setKeepAlive(pair.server, '7:2:9');
    const { timer } = rowOf(pair.server);
    expect(timer?.kind).toBe('keepalive');
    expect(timer?.expiresMs).toBeGreaterThan(5000);
    expect(timer?.expiresMs).toBeLessThanOrEqual(9100);
    setKeepAlive(pair.server, '1:1:60');
    crashPeer(pair.client);
    await moment(() => rowOf(pair.server).unanswered >= 2, 'two probes are unanswered');
    expect(rowOf(pair.server).timer?.kind).toBe('keepalive');
  });

  it('by what is in its queues, with a retransmission or a window probe pending', async () => {
    using lost = await loopbackPair();
    crashPeer(lost.client);
    lost.server.write('12345');
    await moment(() => rowOf(lost.server).unanswered >= 1, 'a retransmission');
    expect(rowOf(lost.server)).toMatchObject({ sendQueue: 5, timer: { kind: 'retransmission' } });
    using stalled = await loopbackPair();
    await stalledClient(stalled);
    expect(rowOf(stalled.client).sendQueue).toBeGreaterThan(0);
    expect(rowOf(stalled.server).receiveQueue).toBeGreaterThan(0);
  });

  it('of a listener, with its queue', async () => {
    using listener = rawListener(5);
    const client = closing(net.connect(listener.port, '127.0.0.1'));
    await once(client, 'connect');
    await moment(() => find(listener.port, 0).receiveQueue === 1, 'the connection waits');
    expect(find(listener.port, 0)).toMatchObject({ state: 'LISTEN', receiveQueue: 1, sendQueue: 5 });
  });

  it('that is left in TIME_WAIT, without an owner', async () => {
    const row = find(...(await timeWaitPort()), { info: true });
    expect(row).toMatchObject({ state: 'TIME_WAIT', inode: 0, info: undefined, timer: { kind: 'timewait' } });
    expect(row.timer?.expiresMs).toBeLessThanOrEqual(61_000);
  });

  it.skipIf(withoutIPv6)('over IPv6, and over IPv4 on an IPv6 socket as IPv4', async () => {
    using pair = await loopbackPair({ family: 6 });
    expect(rowOf(pair.client)).toMatchObject({ family: 6, local: { address: '::1' }, remote: { address: '::1' } });
    const server = await listening(net.createServer(), '::');
    const [client, socket] = await connected(server);
    expect(rowOf(socket)).toMatchObject({
      family: 6,
      local: { address: '127.0.0.1', port: portOf(server) },
      remote: { address: '127.0.0.1', port: client.localPort },
    });
    expect(find(portOf(server), 0)).toMatchObject({ family: 6, local: { address: '::' }, remote: { address: '::' } });
  });
});

describe('a dump without further ado', () => {
  it('leaves out listeners and what is left of connections', async () => {
    await timeWaitPort();
    using _listener = rawListener(1);
    const states = new Set(dumpConnections().connections.map(({ state }) => state));
    for (const state of ['LISTEN', 'TIME_WAIT', 'SYN_RECV']) expect(states).not.toContain(state);
  });

  it('lists only the states that are asked for', async () => {
    using listener = rawListener(1);
    const { connections } = dumpConnections({ states: ['LISTEN'] });
    expect(connections.map(({ local }) => local.port)).toContain(listener.port);
    expect(new Set(connections.map(({ state }) => state))).toEqual(new Set(['LISTEN']));
  });

  it('lists thousands of connections, each once', async () => {
    const server = await listening(net.createServer());
    const sockets = Array.from({ length: 1500 }, () => closing(net.connect(portOf(server), '127.0.0.1')));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    const { connections } = dumpConnections({ info: true });
    // Of a server that had this port before, orphans of other tests may be left.
    const isOurs = ({ remote, inode }: HostConnection) =>
      remote.port === portOf(server) && remote.address === '127.0.0.1' && inode !== 0;
    const ports = connections.filter(isOurs).map(({ local }) => local.port);
    expect(ports.sort()).toEqual(sockets.map((socket) => socket.localPort as number).sort());
    expect(new Set(connections.map(({ cookie }) => cookie)).size).toBe(connections.length);
  });
});

describe('a dump agrees with ss', () => {
  it.skipIf(withoutSs)('on connections in every state that can be held', async () => {
    const server = await listening(net.createServer({ pauseOnConnect: true }), hasIPv6 ? '::' : '127.0.0.1');
    const family = hasIPv6 ? 6 : 4;
    const pairs = await Promise.all([loopbackPair(), loopbackPair({ family }), loopbackPair(), loopbackPair()]);
    const [first, second, third, lost] = pairs as [LoopbackPair, LoopbackPair, LoopbackPair, LoopbackPair];
    try {
      setKeepAlive(first.client, '7:3:5');
      setKeepAlive(second.server, '90:3:5');
      setKeepAlive(third.server, '2400:3:5');
      crashPeer(lost.client);
      lost.server.write('lost');
      const mapped = closing(net.connect(portOf(server), '127.0.0.1'));
      await Promise.all([accepted(server), once(mapped, 'connect')]);
      mapped.write('unread');
      third.client.allowHalfOpen = true;
      third.server.end('half closed');
      await moment(() => rowOf(third.server).state === 'FIN_WAIT2', 'the connection is half closed');
      await timeWaitPort();
      await moment(() => rowOf(mapped).sendQueue === 0, 'the data has arrived');
      // Each retransmission is twice as far from the next one; ss has to run in between.
      await moment(() => infoOf(lost.server).retransmits >= 3, 'retransmissions are seconds apart');

      const inodes = new Set(openSocketInodes());
      const { compared, values } = await compareWithRetransmission(
        ({ inode, state }) => inodes.has(String(inode)) || state === 'TIME_WAIT',
      );
      const kinds = new Set(compared.map(({ timer }) => timer?.kind));
      const states = new Set(compared.map(({ state }) => state));
      for (const kind of ['keepalive', 'retransmission', 'timewait']) expect(kinds).toContain(kind);
      for (const state of ['ESTABLISHED', 'LISTEN', 'TIME_WAIT', 'FIN_WAIT2', 'CLOSE_WAIT']) {
        expect(states).toContain(state);
      }
      expect(compared.some(({ receiveQueue, state }) => receiveQueue === 6 && state === 'ESTABLISHED')).toBe(true);
      expect(new Set(compared.map((row) => row.family))).toEqual(new Set(hasIPv6 ? [4, 6] : [4]));
      expect(values).toBeGreaterThan(50);
    } finally {
      for (const pair of pairs) pair.close();
    }
  });
});
