import { describe, expect, it } from 'vitest';
import { detectionTime, setKeepAlive } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { fdOf } from '../kernel/descriptor.js';
import { expectElapsed } from '../kernel/expectation.js';
import {
  endOf,
  infoOf,
  lastHeard,
  lastSignOfLife,
  type Moment,
  moment,
  quietRange,
  receivedSegments,
  sentSegments,
  timerRange,
} from '../kernel/observation.js';

const idle = 2000;
const interval = 1000;
const count = 3;
const policy = '2:1:3';

/** An idle connection under the policy, and the moment since which it is. */
async function idleConnection() {
  const pair = await loopbackPair();
  const end = endOf(pair.server);
  pair.client.resume();
  setKeepAlive(pair.server, policy);
  const heard = await lastSignOfLife(pair.client, pair.server);
  return { ...pair, end, heard };
}

describe.concurrent('article 2: the timeline of idle, interval and count, here 2 s, 1 s and 3', () => {
  it('idle quiet, then a probe; the ACK that answers it starts idle again', async () => {
    using connection = await idleConnection();
    const { server } = connection;
    const sent = sentSegments(server);
    const received = receivedSegments(server);

    const firstProbe = await moment(() => sentSegments(server) > sent, 'the first probe');
    expectElapsed(connection.heard, firstProbe, quietRange(idle));
    await moment(() => receivedSegments(server) > received, 'the answer');
    const answer = lastHeard(fdOf(server));

    const secondProbe = await moment(() => sentSegments(server) > sent + 1, 'the second probe');
    expectElapsed(answer, secondProbe, quietRange(idle));
    await moment(() => receivedSegments(server) > received + 1, 'the second answer');
    expect(infoOf(server)).toMatchObject({ state: 'ESTABLISHED', probes: 0, segmentsOut: sent + 2 });
  });

  it('data from the peer starts idle again as well', async () => {
    using connection = await idleConnection();
    const { client, server } = connection;
    const halfTime = connection.heard.notAfter + idle / 2;
    await moment(() => performance.now() > halfTime, 'half of idle');
    const heard = await lastSignOfLife(client, server);

    const sent = sentSegments(server);
    const probe = await moment(() => sentSegments(server) > sent, 'the probe');
    expectElapsed(heard, probe, quietRange(idle));
  });

  it('no ACK: probes one interval apart, and after the last unanswered one the peer is dead', async () => {
    using connection = await idleConnection();
    const { client, server, end, heard } = connection;
    const sent = sentSegments(server);
    const received = receivedSegments(server);
    crashPeer(client);

    const probes: Moment[] = [];
    for (let number = 1; number <= count; number += 1) {
      probes.push(await moment(() => infoOf(server).probes >= number, `unanswered probe ${number}`));
      expect(infoOf(server)).toMatchObject({ segmentsOut: sent + number, segmentsIn: received, state: 'ESTABLISHED' });
    }
    const { at, code } = await end;
    expect(code).toBe('ETIMEDOUT');

    const moments = [heard, ...probes, at];
    const gaps = [idle, ...Array<number>(count).fill(interval)];
    expect(moments).toHaveLength(gaps.length + 1);
    gaps.forEach((gap, index) => {
      const range = index === 0 ? quietRange(gap) : timerRange(gap);
      expectElapsed(moments[index] as Moment, moments[index + 1] as Moment, range);
    });
    expectElapsed(heard, at, detectionTime(policy));
  });
});
