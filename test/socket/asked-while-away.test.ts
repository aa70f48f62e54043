import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { probePeer, setKeepAlive } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { kernelStateOf } from '../kernel/descriptor.js';

const awayMs = 3000;
/** Longer, so that no connection lives unasked by a timer's lateness only. */
const unaskedAwayMs = 4500;

const idles = [2, 4, 8];
const counts = [1, 2, 3];
/** User timeouts below, at and above idle, in seconds from it; none. */
const timeouts = [-1, 0, 2, undefined];

const policies = idles.flatMap((idle) =>
  counts.flatMap((count) => timeouts.map((more) => `${idle}:1:${count}${more === undefined ? '' : `:${idle + more}`}`)),
);

/**
 * Has a connection's peer be away for so long, and asks it at these times meanwhile. Returns whether the connection lives,
 * and how long its peer really was silent.
 */
async function livesThrough(policy: string, quietMs: number, awayForMs: number, askedAtMs: readonly number[]) {
  using pair = await loopbackPair();
  const { client, server } = pair;
  for (const end of [client, server]) end.on('error', () => {}).resume();
  setKeepAlive(client, policy);
  const before = kernelStateOf(client);
  const quietSince = performance.now();
  await sleep(quietMs);
  const crashed = crashPeer(server);
  const asking = askedAtMs.map(async (atMs) => {
    await sleep(atMs);
    // The kernel may have ended it, and Node.js not yet heard of that.
    if (!client.destroyed) await probePeer(client, { timeout: 600 }).catch(() => {});
  });
  await sleep(awayForMs);
  crashed.revive();
  const silentMs = performance.now() - quietSince;
  await Promise.all(asking);
  // A tick of 8 s is late by an eighth at most, and few probes follow.
  await sleep(13_000);
  if (!client.destroyed) expect(kernelStateOf(client)).toEqual(before);
  return { lives: !client.destroyed, silentMs };
}

describe.concurrent('a connection whose peer is away for 3 s, and is asked meanwhile,', () => {
  it.each(policies)('lives if it would have lived unasked, %s', async (policy) => {
    const quietMs = 1100 + Math.random() * 6000;
    const askedAtMs = [0, 700, 1400, 2100, 2800].map((ms) => ms + Math.random() * 200);
    const [unasked, asked] = await Promise.all([
      livesThrough(policy, quietMs, unaskedAwayMs, []),
      livesThrough(policy, quietMs, awayMs, askedAtMs),
    ]);
    // A stall of this program may have kept the peer away for longer.
    const isComparable = asked.silentMs <= unasked.silentMs;
    if (unasked.lives && isComparable) expect({ quietMs, askedAtMs, asked }).toMatchObject({ asked: { lives: true } });
  });
});
