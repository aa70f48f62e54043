import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { checkPeers } from '../../src/host/check/check.js';
import { getKeepAlive, setKeepAlive } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';

/** Checks a connection that has been quiet for a while since its peer crashed. */
async function checkQuiet(policy: string, quietMs: number) {
  const { client, server, close } = await loopbackPair();
  let error: NodeJS.ErrnoException | undefined;
  server.on('error', (cause) => {
    error = cause;
  });
  setKeepAlive(server, policy);
  crashPeer(client);
  await sleep(quietMs);
  const port = [{ end: 'local', first: server.localPort as number, last: server.localPort as number }] as const;
  const { peers, incomplete } = await checkPeers({ selection: { pid: [process.pid], port } });
  const ofPair = peers.filter(({ row }) => row.connection.remote.port === server.remotePort);
  const state = error === undefined ? getKeepAlive(server) : undefined;
  close();
  return { incomplete, answers: ofPair.map(({ answer }) => answer), error: error?.code, state };
}

describe.concurrent('a check leaves a connection at least one probe of its own count', () => {
  it.each([
    ['before its first probe is due', '30:5:3', 2000],
    ['while it is probing', '2:20:4', 3500],
    ['with one probe left', '1:6:3', 8500],
    ['quiet for longer than idle, count 2', '1:20:2', 2500],
  ])('%s', async (_, policy, quietMs) => {
    const [idle, interval, count] = policy.split(':').map(Number) as [number, number, number];
    const { incomplete, answers, error, state } = await checkQuiet(policy, quietMs);
    expect({ incomplete, answers }).toEqual({ incomplete: [], answers: ['silent'] });
    expect(error).toBeUndefined();
    expect(state).toEqual({
      enabled: true,
      idle: idle * 1000,
      interval: interval * 1000,
      count,
      userTimeout: 0,
    });
  });
});
