import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { getKeepAlive, setKeepAlive } from '../../src/index.js';
import { loopbackPair } from '../../src/testing/index.js';
import { fdOf } from '../kernel/descriptor.js';
import { expectElapsed } from '../kernel/expectation.js';
import {
  infoOf,
  lastHeard,
  lastSignOfLife,
  moment,
  quietRange,
  receivedSegments,
  sentSegments,
  thisMoment,
} from '../kernel/observation.js';
import { kernelRow } from '../kernel/proc.js';

const idle = 1000;
const rounds = 5;

/** Waits for a number of probe rounds and asserts that each probe was answered, idle apart. */
async function expectRoundsAnswered(server: net.Socket, rounds: number): Promise<void> {
  const sent = sentSegments(server);
  const received = receivedSegments(server);
  let previous = thisMoment();
  for (let round = 1; round <= rounds; round += 1) {
    await moment(() => receivedSegments(server) >= received + round, `the answer to probe ${round}`);
    const answer = lastHeard(fdOf(server));
    if (round > 1) expectElapsed(previous, answer, quietRange(idle));
    previous = answer;
    expect(infoOf(server)).toMatchObject({ state: 'ESTABLISHED', probes: 0, segmentsOut: sent + round });
  }
}

describe.concurrent('article 3: a peer without keepalive of its own answers the probes all the same', () => {
  it('through five rounds, and data still passes both ways', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    setKeepAlive(server, '1:1:1');
    await lastSignOfLife(client, server);

    await expectRoundsAnswered(server, rounds);

    expect(getKeepAlive(client).enabled).toBe(false);
    expect(kernelRow(client).timer).toBe('none');
    server.end('still here?');
    const [question] = await once(client, 'data');
    expect(String(question)).toBe('still here?');
    server.setEncoding('utf8');
    client.end('yes');
    let answer = '';
    for await (const text of server) answer += text;
    expect(answer).toBe('.yes');
  });

  it('even while its program is stopped, because its kernel answers', async () => {
    const listener = net.createServer();
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as net.AddressInfo;
    const peer = spawn(process.execPath, ['-e', `require('node:net').connect(${port}, '127.0.0.1')`]);
    try {
      const [server] = (await once(listener, 'connection')) as [net.Socket];
      server.on('error', () => {});
      listener.close();
      peer.kill('SIGSTOP');
      setKeepAlive(server, '1:1:1');
      await expectRoundsAnswered(server, 3);
      server.destroy();
    } finally {
      peer.kill('SIGKILL');
    }
  });
});
