import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { explainDeath, type PeerEvent, type PeerWatch, type PeerWatchOptions, watchPeers } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { closed, closing } from '../endpoints.js';
import { hasRtoMax } from '../kernel/descriptor.js';
import { infoOf, moment, sentSegments } from '../kernel/observation.js';
import { cannotRun } from '../requirement.js';

const transmissionMs = 300;

async function watchedPair(options: Omit<PeerWatchOptions, 'all' | 'sockets'> = {}) {
  const pair = await loopbackPair();
  for (const end of [pair.client, pair.server]) closing(end).resume();
  const watch = watchPeers({ sockets: [pair.client], ...options });
  onTestFinished(() => watch.close());
  const events: PeerEvent[] = [];
  for (const type of ['suspect', 'recovered', 'stalled', 'closed', 'dead'] as const) {
    watch.on(type as 'suspect', (event) => events.push(event));
  }
  return { ...pair, watch, events };
}

const next = async (watch: PeerWatch, type: string): Promise<PeerEvent> =>
  (await once(watch, type, { signal: AbortSignal.timeout(30_000) }))[0] as PeerEvent;

describe('what the program itself ends', () => {
  it('in good order is no event where it was first, and one where its peer was', async () => {
    const [first, second] = await Promise.all([watchedPair(), watchedPair()]);
    first.client.end();
    second.server.end();
    await Promise.all([closed(first.client), closed(second.client)]);
    await moment(() => first.watch.size + second.watch.size === 0, 'both are over');
    expect(first.events).toEqual([]);
    expect(second.events).toMatchObject([{ type: 'closed', error: undefined }]);
  });

  it.each(['in a pipeline', 'with an error of the system that is another stream’s'])('%s is no event', async (how) => {
    const { client, events, watch } = await watchedPair();
    const file = createReadStream('/nowhere/at-all');
    if (how === 'in a pipeline') pipeline(file, client, () => {});
    else file.once('error', (error) => client.destroy(error));
    await closed(client);
    expect(client.errored).toMatchObject({ code: 'ENOENT', syscall: 'open' });
    expect([events, watch.size]).toEqual([[], 0]);
  });

  it('because a connection that nobody watches was reset is no event', async () => {
    const { client, events, watch } = await watchedPair();
    const upstream = await loopbackPair();
    for (const end of [upstream.client, upstream.server]) closing(end);
    pipeline(upstream.client, client, upstream.client, () => {});
    await sleep(50);
    upstream.server.resetAndDestroy();
    await closed(client);
    expect(client.errored).toMatchObject({ code: 'ECONNRESET', syscall: 'read' });
    expect([events, watch.size]).toEqual([[], 0]);
  });
});

describe('the end of a connection that was quiet for long', () => {
  it.each(['deadAfter', 'deadWithin'] as const)('is not its death because a FIN was lost, %s', async (limit) => {
    const { client, server, events } = await watchedPair({ policy: '1:1:9', [limit]: '3s', destroy: true });
    await sleep(4000);
    const crashed = crashPeer(server);
    client.end();
    await sleep(1.5 * transmissionMs);
    crashed.revive();
    await Promise.all([closed(client), closed(server)]);
    expect(client.errored).toBeNull();
    expect(events.filter(({ type }) => type === 'dead')).toEqual([]);
  });

  it('is told with what was so then, and not with what was seen long before', async () => {
    const { client, server, watch } = await watchedPair({ policy: '1:1:5' });
    const crashed = crashPeer(server);
    await next(watch, 'suspect');
    crashed.revive();
    await next(watch, 'recovered');
    await sleep(10_500);
    const explained = once(client, 'error').then(([error]) => explainDeath(error, client));
    server.resetAndDestroy();
    expect(await next(watch, 'dead')).toMatchObject({ reason: 'reset', unanswered: 0, silentMs: undefined });
    expect(await explained).toMatchObject({ reason: 'reset', unanswered: undefined, silentMs: undefined });
  });
});

describe('a peer that is reset while it is suspect', () => {
  it('has not been given up by the kernel, also where nobody reads', async () => {
    const { client, server, watch } = await watchedPair({ policy: '1:1:9' });
    client.pause();
    // Node.js reads until its own buffer is full.
    server.write(Buffer.alloc(256 * 1024));
    await moment(() => client.readableLength >= client.readableHighWaterMark, 'its buffer is full');
    const crashed = crashPeer(server);
    await next(watch, 'suspect');
    crashed.revive();
    server.resetAndDestroy();
    expect(await next(watch, 'dead')).toMatchObject({ reason: 'reset', error: undefined });
  });
});

describe('what is told of the next probe', () => {
  it('of a closed window is when it comes: each takes twice as long', async () => {
    const { client, server, watch } = await watchedPair();
    server.pause();
    client.write(Buffer.alloc(8 << 20));
    const { next: step } = await next(watch, 'stalled');
    const toldAt = performance.now();
    expect(step?.what).toBe('window-probe');
    const { backoff } = infoOf(client);
    const { notBefore, notAfter } = await moment(() => infoOf(client).backoff > backoff, 'the next window probe');
    expect(notAfter - toldAt).toBeGreaterThan((step?.inMs ?? 0) - 20);
    expect(notBefore - toldAt).toBeLessThan((step?.inMs ?? 0) * 1.125 + 250);
  });

  it.skipIf(cannotRun(!hasRtoMax, 'TCP_RTO_MAX_MS needs Linux 6.15'))(
    'of a closed window is within rtoMax',
    async () => {
      const policy = { idle: '30s', interval: '5s', count: 9, rtoMax: '1s' } as const;
      const { client, server, watch } = await watchedPair({ policy });
      server.pause();
      client.write(Buffer.alloc(8 << 20));
      const { next: step } = await next(watch, 'stalled');
      expect(step?.what).toBe('window-probe');
      expect(step?.inMs).toBeLessThanOrEqual(1000);
    },
  );
});

describe('a watch', () => {
  it('that a subscriber of its channel closes tells nothing more', async () => {
    const { client, server, watch, events } = await watchedPair();
    const channel = 'tcp-keepalive:peer:dead';
    const onDead = (message: unknown) => {
      if ((message as PeerEvent).socket === client) watch.close();
    };
    subscribe(channel, onDead);
    onTestFinished(() => void unsubscribe(channel, onDead));
    server.resetAndDestroy();
    await closed(client);
    await sleep(50);
    expect(events).toEqual([]);
  });

  it('asks no peer once more because a connection is added again with the policy that it has', async () => {
    const { client, server, watch } = await watchedPair({ policy: '1:60:9' });
    crashPeer(server);
    await next(watch, 'suspect');
    const sent = sentSegments(client);
    for (let turn = 0; turn < 5; turn++) {
      expect(watch.delete(client)).toBe(true);
      watch.add(client);
      await sleep(30);
    }
    expect(sentSegments(client)).toBe(sent);
  });

  it('lets go of an iterator that has had enough, before, while and after it waits', async () => {
    const { server, watch } = await watchedPair();
    const untouched = watch[Symbol.asyncIterator]();
    expect(await untouched.return?.()).toEqual({ done: true, value: undefined });
    const waiting = watch[Symbol.asyncIterator]();
    const waited = waiting.next();
    expect(await waiting.return?.()).toEqual({ done: true, value: undefined });
    expect(await waited).toEqual({ done: true, value: undefined });
    const open = watch[Symbol.asyncIterator]();
    const told = [open.next(), open.next()] as const;
    server.resetAndDestroy();
    expect(await told[0]).toMatchObject({ done: false, value: { type: 'dead', reason: 'reset' } });
    watch.close();
    expect(await told[1]).toEqual({ done: true, value: undefined });
    for (const iterator of [untouched, waiting, open]) expect(await iterator.next()).toMatchObject({ done: true });
  });
});
