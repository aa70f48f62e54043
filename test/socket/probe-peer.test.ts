import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { getKeepAlive, probePeer, setKeepAlive } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { infoOf, moment, sentSegments } from '../kernel/observation.js';
import { connectedPair, hasIPv6, rebootPeer, type Transport } from '../peers.js';

const transports: Transport[] = ['IPv4', ...(hasIPv6 ? (['IPv6'] as const) : []), 'TLS'];

/** Two sockets that have heard nothing of each other for more than a second. */
async function quietPair(transport: Transport = 'IPv4') {
  const pair = await connectedPair(transport);
  for (const end of [pair.client, pair.server]) end.on('error', () => {});
  const silentMs = () => Math.min(infoOf(pair.client).lastAckReceivedMs, infoOf(pair.client).lastDataReceivedMs);
  await moment(() => silentMs() > 1050, 'a second of quiet');
  return pair;
}

describe.concurrent('probePeer', () => {
  it.each(transports)('is answered at once by a peer that is there, %s', async (transport) => {
    using pair = await quietPair(transport);
    setKeepAlive(pair.client, '30:5:3:auto');
    const before = getKeepAlive(pair.client);
    const sent = sentSegments(pair.client);
    const { answered, elapsedMs, method } = await probePeer(pair.client);
    expect({ answered, method }).toEqual({ answered: true, method: 'probe' });
    expect(elapsedMs).toBeLessThan(250);
    expect(sentSegments(pair.client)).toBe(sent + 1);
    expect(getKeepAlive(pair.client)).toEqual(before);
  });

  it('asks where keepalive is off, and leaves it off', async () => {
    using pair = await quietPair();
    const before = getKeepAlive(pair.client);
    expect(before.enabled).toBe(false);
    expect(await probePeer(pair.client)).toMatchObject({ answered: true, method: 'probe' });
    expect(getKeepAlive(pair.client)).toEqual(before);
  });

  it('asks nothing of a peer that was heard within the last second', async () => {
    using pair = await loopbackPair();
    const sent = sentSegments(pair.client);
    expect(await probePeer(pair.client)).toEqual({ answered: true, elapsedMs: 0, method: 'heard' });
    expect(sentSegments(pair.client)).toBe(sent);
  });

  it.each(transports)('is not answered by a peer that crashed, %s', async (transport) => {
    using pair = await quietPair(transport);
    setKeepAlive(pair.client, '30:5:3');
    const before = getKeepAlive(pair.client);
    crashPeer(pair.server);
    const { answered, elapsedMs, method } = await probePeer(pair.client, { timeout: '600ms' });
    expect({ answered, method }).toEqual({ answered: false, method: 'probe' });
    expect(elapsedMs).toBeGreaterThanOrEqual(600);
    expect(getKeepAlive(pair.client)).toEqual(before);
    expect(pair.client.destroyed).toBe(false);
  });

  it('never uses up the count: a peer that comes back keeps its connection', async () => {
    using pair = await quietPair();
    setKeepAlive(pair.client, '5:1:3');
    const crashed = crashPeer(pair.server);
    expect(await probePeer(pair.client, { timeout: 300 })).toMatchObject({ answered: false });
    expect(infoOf(pair.client).probes).toBe(2);
    crashed.revive();
    expect(await probePeer(pair.client)).toMatchObject({ answered: true });
    expect(infoOf(pair.client).probes).toBe(0);
  });

  it('is answered by what comes back for data in flight', async () => {
    using pair = await quietPair();
    const crashed = crashPeer(pair.server);
    pair.client.write('.');
    expect(await probePeer(pair.client, { timeout: 500 })).toMatchObject({ answered: false, method: 'data' });
    const answer = probePeer(pair.client, { timeout: 10_000 });
    crashed.revive();
    expect(await answer).toMatchObject({ answered: true, method: 'data' });
  });

  it('is not answered by a peer that has rebooted, which ends the connection', async () => {
    using pair = await quietPair();
    await rebootPeer(pair.server, pair.client);
    pair.client.resume();
    const closed = new Promise((resolve) => pair.client.once('close', resolve));
    expect(await probePeer(pair.client)).toMatchObject({ answered: false, method: 'probe' });
    await closed;
  });

  it('gives a second question the answer of the first', async () => {
    using pair = await quietPair();
    const before = getKeepAlive(pair.client);
    const sent = sentSegments(pair.client);
    const answers = await Promise.all([probePeer(pair.client), probePeer(pair.client), probePeer(pair.client)]);
    expect(new Set(answers).size).toBe(1);
    expect(sentSegments(pair.client)).toBe(sent + 1);
    expect(getKeepAlive(pair.client)).toEqual(before);
  });

  it('ends when the socket is destroyed meanwhile', async () => {
    using pair = await quietPair();
    crashPeer(pair.server);
    const answer = probePeer(pair.client, { timeout: 60_000 });
    pair.client.destroy();
    expect(await answer).toMatchObject({ answered: false });
  });

  it.each([
    ['a server', () => net.createServer(), 'ENOTCONN'],
    ['a socket that is not connected', () => new net.Socket(), 'ENOTCONN'],
    ['a destroyed one', () => new net.Socket().destroy(), 'EBADF'],
    ['no socket', () => ({}) as net.Socket, 'ENOTSOCK'],
  ])('refuses %s', async (_, target, code) => {
    await expect(probePeer(target())).rejects.toMatchObject({ name: 'SystemCallError', code });
  });

  it.each([0, -1, Number.NaN, 'soon', Number.POSITIVE_INFINITY])('refuses a timeout of %s', async (timeout) => {
    using pair = await loopbackPair();
    await expect(probePeer(pair.client, { timeout })).rejects.toThrow(
      /^probePeer: timeout must be a duration of more than 0 ms, such as '2s' or 2000, got/,
    );
  });
});
