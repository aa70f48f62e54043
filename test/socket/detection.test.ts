import type net from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { detectionTime, type KeepAlivePolicy, setKeepAlive } from '../../src/index.js';
import { crashPeer } from '../../src/testing/index.js';
import { fdOf } from '../kernel/descriptor.js';
import { expectElapsed } from '../kernel/expectation.js';
import { endOf, lastHeard, lastSignOfLife, moment, receivedSegments, thisMoment } from '../kernel/observation.js';
import { connectedPair, hasIPv6, rebootPeer, type Transport } from '../peers.js';
import { cannotRun } from '../requirement.js';

// The tests only wait for kernel timers, so all of them run side by side.
vi.setConfig({ maxConcurrency: 200 });

const policies = [
  '1:1:1',
  '1:1:2',
  '2:1:3',
  '1:2:2',
  '3:1:1',
  '2:2:2',
  '4:1:2',
  '1:1:5',
  '5:1:1',
  '3:2:3',
  '2:1:3:1',
  '2:1:3:2500ms',
  '2:1:3:3500ms',
  '2:1:3:5',
  '2:1:3:8',
];

const withoutIPv6 = cannotRun(!hasIPv6, 'this machine has no address ::1');

/** A connection with the policy on its server's end, whose peer has just said its last word. */
async function quietConnection(transport: Transport, policy: string | KeepAlivePolicy) {
  const pair = await connectedPair(transport);
  const end = endOf(pair.server);
  pair.client.resume();
  setKeepAlive(pair.server, policy);
  const heard = await lastSignOfLife(pair.client, pair.server);
  return { ...pair, end, heard };
}

for (const transport of ['IPv4', 'IPv6', 'TLS'] as const) {
  describe
    .skipIf(transport === 'IPv6' && withoutIPv6)
    .concurrent(`a peer that crashes while idle is detected in time over ${transport}`, () => {
      it.for(policies)('with the policy %s', async (policy) => {
        using connection = await quietConnection(transport, policy);
        crashPeer(connection.client);
        const heard = lastHeard(fdOf(connection.server));
        const { at, code } = await connection.end;
        expect(code).toBe('ETIMEDOUT');
        expectElapsed(heard, at, detectionTime(policy));
      });
    });
}

describe.concurrent('a peer that crashed is detected in time by data in flight', () => {
  // The first two could not be met by keepalive, which would take minutes.
  it.for(['60:60:9:250ms', '60:60:9:3', '2:1:3:5'])('with the policy %s', async (policy) => {
    using connection = await quietConnection('IPv4', policy);
    crashPeer(connection.client);
    const sent = writeNow(connection.server);
    const { at, code } = await connection.end;
    expect(code).toBe('ETIMEDOUT');
    expectElapsed(sent, at, detectionTime(policy, 'data-in-flight'));
  });
});

function writeNow(socket: net.Socket) {
  const { notBefore } = thisMoment();
  socket.write('is anybody there?');
  return { notBefore, notAfter: thisMoment().notAfter };
}

describe.concurrent('a peer that came back without memory of the connection is detected by the first probe', () => {
  it.for(['1:1:3', '2:1:3', '4:5:9'])('with the policy %s', async (policy) => {
    using connection = await quietConnection('IPv4', policy);
    await rebootPeer(connection.client, connection.server);
    const { at, code } = await connection.end;
    expect(code).toBe('ECONNRESET');
    expectElapsed(connection.heard, at, detectionTime(policy, 'rebooted'));
  });
});

describe.concurrent('a peer that crashes right after it answered a probe is detected in time', () => {
  it.for(['2:1:2', '1:3:1', '1:2:2:2500ms'])('with the policy %s', async (policy) => {
    using connection = await quietConnection('IPv4', policy);
    const before = receivedSegments(connection.server);
    await moment(() => receivedSegments(connection.server) > before, 'a probe is answered');
    crashPeer(connection.client);
    const answered = lastHeard(fdOf(connection.server));
    const { at, code } = await connection.end;
    expect(code).toBe('ETIMEDOUT');
    expectElapsed(answered, at, detectionTime(policy));
  });
});
