import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { detectionTime, setKeepAlive } from '../../src/index.js';
import { readTcpInfo } from '../../src/socket/tcp-info.js';
import { loopbackPair } from '../../src/testing/index.js';
import { fdOf, setOption } from '../kernel/descriptor.js';

const policy = { idle: 2000, interval: 1000, count: 9 };
const quietMs = policy.idle + 100;
/** A probe that is due is sent at once: one jiffy and the machine's own delays. */
const atOnceMs = 250;

async function segmentsSentWithin(ms: number, fd: number, set: () => void): Promise<number> {
  const before = readTcpInfo(fd).segmentsOut as number;
  set();
  await sleep(ms);
  return (readTcpInfo(fd).segmentsOut as number) - before;
}

describe.concurrent('a socket that has been quiet for longer than idle', () => {
  it('probes at once when it is given the policy', async () => {
    using pair = await loopbackPair();
    await sleep(quietMs);
    expect(await segmentsSentWithin(atOnceMs, fdOf(pair.client), () => setKeepAlive(pair.client, policy))).toBe(1);
  });

  it('probes at once when a longer idle is shortened', async () => {
    using pair = await loopbackPair();
    setKeepAlive(pair.client, '30:5:3');
    await sleep(quietMs);
    expect(await segmentsSentWithin(atOnceMs, fdOf(pair.client), () => setKeepAlive(pair.client, policy))).toBe(1);
  });

  it('waits a whole idle when the options are set in the other order, which is why that order is not used', async () => {
    using pair = await loopbackPair();
    const fd = fdOf(pair.client);
    await sleep(quietMs);
    const setOtherOrder = () => {
      setOption(fd, 6, 4, policy.idle / 1000);
      setOption(fd, 1, 9, 1);
    };
    const before = readTcpInfo(fd).segmentsOut as number;
    expect(await segmentsSentWithin(atOnceMs, fd, setOtherOrder)).toBe(0);
    const { latestMs } = detectionTime(policy, 'rebooted');
    await sleep(latestMs);
    expect((readTcpInfo(fd).segmentsOut as number) - before).toBeGreaterThan(0);
  });

  it('sends nothing when keepalive is turned off before idle is over', async () => {
    using pair = await loopbackPair();
    setKeepAlive(pair.client, policy);
    const { latestMs } = detectionTime(policy, 'rebooted');
    const sent = await segmentsSentWithin(latestMs + atOnceMs, fdOf(pair.client), () =>
      setKeepAlive(pair.client, false),
    );
    expect(sent).toBe(0);
  });
});
