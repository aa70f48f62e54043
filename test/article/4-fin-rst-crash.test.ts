import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { detectionTime, getKeepAlive, setKeepAlive } from '../../src/index.js';
import { crashPeer, type LoopbackPair, loopbackPair } from '../../src/testing/index.js';
import { expectElapsed } from '../kernel/expectation.js';
import { endOf, infoOf, lastSignOfLife, moment, sentSegments, thisMoment } from '../kernel/observation.js';
import { rebootPeer } from '../peers.js';

async function quietPair(): Promise<LoopbackPair> {
  const pair = await loopbackPair();
  pair.client.resume();
  return pair;
}

/** Longer than the policy of the crash above takes to find it. */
const quietMs = detectionTime('1:1:2').latestMs;

describe.concurrent('article 4: FIN, RST and crash are told apart by the server', () => {
  it('FIN: the end of the stream and no error, at once', async () => {
    using pair = await quietPair();
    setKeepAlive(pair.server, '30:5:3');
    const end = endOf(pair.server);
    const closed = thisMoment();
    pair.client.end();
    const { at, ...how } = await end;
    expect(how).toEqual({ code: undefined, finReceived: true });
    expectElapsed(closed, at, { earliestMs: 0, latestMs: 0 });
  });

  it('RST: ECONNRESET, at once', async () => {
    using pair = await quietPair();
    setKeepAlive(pair.server, '30:5:3');
    const end = endOf(pair.server);
    const reset = thisMoment();
    pair.client.resetAndDestroy();
    const { at, ...how } = await end;
    expect(how).toEqual({ code: 'ECONNRESET', finReceived: false });
    expectElapsed(reset, at, { earliestMs: 0, latestMs: 0 });
  });

  it('crash: ETIMEDOUT, when the last probe has stayed unanswered', async () => {
    using pair = await quietPair();
    setKeepAlive(pair.server, '1:1:2');
    const end = endOf(pair.server);
    const heard = await lastSignOfLife(pair.client, pair.server);
    crashPeer(pair.client);
    const { at, ...how } = await end;
    expect(how).toEqual({ code: 'ETIMEDOUT', finReceived: false });
    expectElapsed(heard, at, detectionTime('1:1:2'));
  });
});

describe.concurrent('article 4: without keepalive a crash is noticed only on the next write', () => {
  it('from a peer that came back without memory of the connection: nothing until then, by RST from then on', async () => {
    using pair = await quietPair();
    const { client, server } = pair;
    const end = endOf(server);
    expect(getKeepAlive(server).enabled).toBe(false);
    await lastSignOfLife(client, server);
    await rebootPeer(client, server);
    const sent = sentSegments(server);
    await delay(quietMs);
    expect(infoOf(server)).toMatchObject({ state: 'ESTABLISHED', segmentsOut: sent });

    const written = thisMoment();
    server.write('anybody there?');
    const { at, ...how } = await end;
    expect(how).toEqual({ code: 'ECONNRESET', finReceived: false });
    expectElapsed(written, at, { earliestMs: 0, latestMs: 0 });
  });

  it('from a peer that is gone: nothing even then, only retransmissions that come ever more rarely', async () => {
    using pair = await quietPair();
    const { client, server } = pair;
    let ended = false;
    void endOf(server).then(() => {
      ended = true;
    });
    await lastSignOfLife(client, server);
    crashPeer(client);
    const sent = sentSegments(server);
    await delay(quietMs);
    expect(infoOf(server)).toMatchObject({ state: 'ESTABLISHED', segmentsOut: sent, retransmits: 0 });

    server.write('anybody there?');
    const third = await moment(() => infoOf(server).retransmits === 3, 'the third retransmission');
    const fourth = await moment(() => infoOf(server).retransmits === 4, 'the fourth retransmission');
    const fifth = await moment(() => infoOf(server).retransmits === 5, 'the fifth retransmission');
    const [shortest, longest] = [fourth.notBefore - third.notAfter, fifth.notAfter - fourth.notBefore];
    expect(longest).toBeGreaterThan(1.5 * shortest);
    expect(infoOf(server)).toMatchObject({ state: 'ESTABLISHED', unacked: 1 });
    expect(ended).toBe(false);
    // Too long to wait for here: when the kernel gives up.
    expect(detectionTime(false, 'data-in-flight').earliestMs).toBeGreaterThan(10 * 60_000);
  });
});
