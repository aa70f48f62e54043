import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { getKeepAlive, type PolicyInput, probePeer, setKeepAlive } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { kernelStateOf } from '../kernel/descriptor.js';
import { infoOf, moment, sentSegments } from '../kernel/observation.js';
import { connectedPair, hasIPv6, rebootPeer, type Transport } from '../peers.js';

const transports: Transport[] = ['IPv4', ...(hasIPv6 ? (['IPv6'] as const) : []), 'TLS'];

/** Two sockets that have heard nothing of each other for more than a second. */
async function quietPair(transport: Transport = 'IPv4', policy: PolicyInput | false = '30:5:3') {
  const pair = await connectedPair(transport);
  for (const end of [pair.client, pair.server]) end.on('error', () => {});
  setKeepAlive(pair.client, policy);
  const silentMs = () => Math.min(infoOf(pair.client).lastAckReceivedMs, infoOf(pair.client).lastDataReceivedMs);
  await moment(() => silentMs() > 1050, 'a second of quiet');
  return pair;
}

describe.concurrent('probePeer', () => {
  it.each(transports)('is answered at once by a peer that is there, %s', async (transport) => {
    using pair = await quietPair(transport, '30:5:3:auto');
    const before = getKeepAlive(pair.client);
    const sent = sentSegments(pair.client);
    expect(await probePeer(pair.client, { timeout: '1h' })).toMatchObject({ answered: true, method: 'probe' });
    expect(sentSegments(pair.client)).toBe(sent + 1);
    expect(getKeepAlive(pair.client)).toEqual(before);
  });

  it.each<[string, PolicyInput | false, RegExp]>([
    ['keepalive off', false, /keepalive is off/],
    ['a count of 1', '30:5:1', /0 of 1 probes/],
    ['its own probes close by, and few', '4:1:3', /0 of 3 probes/],
    ['a user timeout below idle', '8:1:10:2', /user timeout/],
    ['a user timeout at idle', '30:5:9:30', /user timeout/],
  ])('does not ask where that could do harm: %s', async (_, policy, why) => {
    using pair = await quietPair('IPv4', policy);
    const before = kernelStateOf(pair.client);
    const sent = sentSegments(pair.client);
    crashPeer(pair.server);
    const probe = await probePeer(pair.client, { timeout: '1h' });
    expect(probe).toMatchObject({ answered: 'not-asked', why: expect.stringMatching(why), remedy: expect.any(String) });
    expect(sentSegments(pair.client)).toBe(sent);
    expect(kernelStateOf(pair.client)).toEqual(before);
  });

  it.each([
    ['is there', true],
    ['crashed', false],
  ])('waits for the own probe of a connection whose idle time is 1 s, whose peer %s', async (_, isThere) => {
    using pair = await quietPair('IPv4', false);
    setKeepAlive(pair.client, '1:1:10');
    if (!isThere) crashPeer(pair.server);
    await moment(() => infoOf(pair.client).lastAckReceivedMs > 1050 || isThere, 'a second of quiet');
    const { answered } = await probePeer(pair.client, { timeout: '300ms' });
    expect(answered).toBe(isThere);
    expect(getKeepAlive(pair.client)).toMatchObject({ enabled: true, idle: 1000, interval: 1000, count: 10 });
  });

  it('does not take a peer for silent whose own probe was not due', async () => {
    using pair = await quietPair('IPv4', '1:60:10');
    // The first probe was answered; the next one follows after the interval.
    await moment(() => infoOf(pair.client).lastAckReceivedMs > 1050, 'a second of quiet');
    expect(await probePeer(pair.client, { timeout: '300ms' })).toMatchObject({ answered: 'not-asked' });
  });

  it('does not take what was unanswered before for an answer to this question', async () => {
    using pair = await quietPair('IPv4', '30:5:3');
    const crashed = crashPeer(pair.server);
    expect(await probePeer(pair.client, { timeout: 100 })).toMatchObject({ answered: false });
    crashed.revive();
    setKeepAlive(pair.client, { userTimeout: '60s' });
    expect(infoOf(pair.client).probes).toBeGreaterThan(0);
    expect(await probePeer(pair.client, { timeout: 100 })).toMatchObject({ answered: 'not-asked' });
  });

  it('asks nothing of a peer that was heard within the last second', async () => {
    using pair = await loopbackPair();
    const sent = sentSegments(pair.client);
    expect(await probePeer(pair.client)).toEqual({ answered: true, elapsedMs: 0, method: 'heard' });
    expect(sentSegments(pair.client)).toBe(sent);
  });

  it.each(transports)('is not answered by a peer that crashed, %s', async (transport) => {
    using pair = await quietPair(transport);
    const before = getKeepAlive(pair.client);
    crashPeer(pair.server);
    const { answered, elapsedMs, method } = await probePeer(pair.client, { timeout: '600ms' });
    expect({ answered, method }).toEqual({ answered: false, method: 'probe' });
    expect(elapsedMs).toBeGreaterThanOrEqual(600);
    expect(getKeepAlive(pair.client)).toEqual(before);
    expect(pair.client.destroyed).toBe(false);
  });

  it('never uses up the count: a peer that comes back keeps its connection', async () => {
    using pair = await quietPair('IPv4', '30:5:4');
    const crashed = crashPeer(pair.server);
    for (let asked = 0; infoOf(pair.client).probes < 3 && asked < 20; asked += 1) {
      expect(await probePeer(pair.client, { timeout: 300 })).toMatchObject({ answered: false });
    }
    expect(infoOf(pair.client).probes).toBe(3);
    expect(await probePeer(pair.client, { timeout: 300 })).toMatchObject({ answered: 'not-asked' });
    expect(infoOf(pair.client).probes).toBe(3);
    setKeepAlive(pair.client, { count: 9 });
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

  it('does not take for a question what was sent long before it', async () => {
    using pair = await quietPair();
    const crashed = crashPeer(pair.server);
    pair.client.write('.');
    const isBetween = () => infoOf(pair.client).retransmits >= 4 && infoOf(pair.client).lastDataSentMs > 1100;
    await moment(isBetween, 'the next retransmission is seconds away');
    crashed.revive();
    expect(await probePeer(pair.client, { timeout: '300ms' })).toMatchObject({
      answered: 'not-asked',
      why: 'data are in flight, and no retransmission was due',
    });
  });

  it('is not answered by a peer that has rebooted, which ends the connection', async () => {
    using pair = await quietPair();
    await rebootPeer(pair.server, pair.client);
    pair.client.resume();
    const closed = new Promise((resolve) => pair.client.once('close', resolve));
    expect(await probePeer(pair.client)).toMatchObject({ answered: false, method: 'probe' });
    await closed;
  });

  it('is not answered by a peer whose RST has arrived, and is not heard of yet', async () => {
    using pair = await quietPair();
    pair.server.resetAndDestroy();
    expect(pair.client.destroyed).toBe(false);
    expect(await probePeer(pair.client)).toEqual({ answered: false, elapsedMs: 0, method: 'ended' });
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
    ['no socket', () => ({}) as net.Socket, 'ERR_INVALID_ARG_TYPE'],
  ])('refuses %s', async (_, target, code) => {
    const name = code.startsWith('ERR') ? 'TypeError' : 'SystemCallError';
    await expect(probePeer(target())).rejects.toMatchObject({ name, code });
  });

  it.each([0, -1, Number.NaN, 'soon', Number.POSITIVE_INFINITY])('refuses a timeout of %s', async (timeout) => {
    using pair = await loopbackPair();
    await expect(probePeer(pair.client, { timeout })).rejects.toThrow(
      /^probePeer: timeout must be a duration of more than 0 ms, such as '2s' or 2000, got/,
    );
  });
});
