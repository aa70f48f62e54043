import net from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { type LossMethod, type LossOptions, loopbackPair, lossyPath } from '../../src/testing/index.js';
import { infoOf, lastSignOfLife, moment, receivedSegments, sentSegments } from '../kernel/observation.js';
import { runProgram } from '../program.js';
import { cannotRun } from '../requirement.js';
import type { UnprivilegedResult } from './unprivileged.js';

vi.setConfig({ maxConcurrency: 20 });

/** Whether this process may attach a filter to a TCP socket: newer kernels want CAP_NET_ADMIN. */
async function filterRefusal(): Promise<string | undefined> {
  using pair = await loopbackPair();
  try {
    lossyPath(pair.server, { loss: 0, method: 'filter' });
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

const refusal = await filterRefusal();
const withoutFilter = cannotRun(refusal !== undefined, `a socket filter is refused with ${refusal}: it needs root`);

/** Segments that one end sent, and those of them that the other received. */
interface Transmission {
  readonly sent: number;
  readonly received: number;
}

/** Has each of many connections, with a lossy path of its own, send one segment; retransmissions come on top. */
async function transmit(connections: number, options: LossOptions): Promise<Transmission[]> {
  const pairs = await Promise.all(Array.from({ length: connections }, () => loopbackPair()));
  try {
    for (const { server } of pairs) lossyPath(server, options);
    const before = pairs.map(({ client, server }) => [sentSegments(client), receivedSegments(server)] as const);
    for (const { client } of pairs) client.write('x');
    await moment(
      () => pairs.every(({ client }, index) => sentSegments(client) > (before[index]?.[0] ?? 0)),
      'it is sent',
    );
    return pairs.map(({ client, server }, index) => {
      const [sent = 0, received = 0] = before[index] ?? [];
      return { sent: sentSegments(client) - sent, received: receivedSegments(server) - received };
    });
  } finally {
    for (const pair of pairs) pair.close();
  }
}

/** The share that was lost: of all segments by a filter, which draws for each; of connections by outages. */
async function measuredLoss(connections: number, options: LossOptions): Promise<number> {
  const transmissions = await transmit(connections, options);
  if (options.method === 'outages') {
    return transmissions.filter(({ received }) => received === 0).length / connections;
  }
  const sum = (field: keyof Transmission) => transmissions.reduce((total, one) => total + one[field], 0);
  return 1 - sum('received') / sum('sent');
}

/** Five standard deviations of a binomial share: exceeded by chance once in 1.7 million runs. */
function shareTolerance(share: number, draws: number): number {
  return 5 * Math.sqrt((share * (1 - share)) / draws);
}

const methods: readonly { method: LossMethod; impossible: boolean }[] = [
  { method: 'filter', impossible: withoutFilter },
  { method: 'outages', impossible: false },
];

for (const { method, impossible } of methods) {
  describe.skipIf(impossible).concurrent(`lossyPath by ${method}`, () => {
    it.for([0.1, 0.3, 0.8])('loses the share %s of what arrives', async (loss) => {
      const connections = 400;
      // Slots so long that each connection draws once.
      const measured = await measuredLoss(connections, { loss, method, slotMs: 60_000 });
      expect(Math.abs(measured - loss)).toBeLessThanOrEqual(shareTolerance(loss, connections));
    });

    it('loses nothing at 0 and everything at 1', async () => {
      expect(await measuredLoss(50, { loss: 0, method })).toBe(0);
      expect(await measuredLoss(50, { loss: 1, method })).toBe(1);
    });

    it('delivers everything in the end, by retransmission', async () => {
      using pair = await loopbackPair();
      const { client, server } = pair;
      const text = 'abcdefghijklmnopqrstuvwxyz'.repeat(4);
      let arrived = '';
      server.on('data', (data) => {
        arrived += data;
      });
      client.setNoDelay(true);
      const path = lossyPath(server, { loss: 0.5, method, slotMs: 10 });
      expect(path.method).toBe(method);
      const [sent, received] = [sentSegments(client), receivedSegments(server)];
      for (const letter of text) {
        client.write(letter);
        await moment(() => infoOf(client).unacked < 4, 'an acknowledgement');
      }
      path.close();
      await moment(() => arrived.length >= text.length, 'the whole text', 60_000);
      expect(arrived).toBe(text);
      expect(receivedSegments(server) - received).toBeLessThan(sentSegments(client) - sent);
    });

    it('restores the path, and may be told so twice', async () => {
      using pair = await loopbackPair();
      const { client, server } = pair;
      await lastSignOfLife(client, server);
      const path = lossyPath(server, { loss: 1, method });
      const received = receivedSegments(server);
      client.write('x');
      await moment(() => infoOf(client).retransmits > 0, 'a retransmission');
      expect(receivedSegments(server)).toBe(received);
      path.close();
      path.close();
      await moment(() => infoOf(client).unacked === 0, 'the acknowledgement');
    });

    it('restores the path at the end of a `using` block', async () => {
      using pair = await loopbackPair();
      const { client, server } = pair;
      await lastSignOfLife(client, server);
      {
        using _path = lossyPath(server, { loss: 1, method });
        client.write('x');
        await moment(() => infoOf(client).retransmits > 0, 'a retransmission');
      }
      await moment(() => infoOf(client).unacked === 0, 'the acknowledgement');
    });

    it('leaves what the socket sends alone', async () => {
      using pair = await loopbackPair();
      const { client, server } = pair;
      const received = receivedSegments(client);
      lossyPath(server, { loss: 1, method });
      server.write('x');
      await moment(() => receivedSegments(client) > received, 'the data');
    });

    it('may be restored when the socket is gone', async () => {
      using pair = await loopbackPair();
      const path = lossyPath(pair.server, { loss: 0.5, method, slotMs: 1 });
      pair.close();
      expect(() => path.close()).not.toThrow();
    });
  });
}

describe('lossyPath', () => {
  it.skipIf(withoutFilter)('uses a filter where that is permitted', async () => {
    using pair = await loopbackPair();
    expect(lossyPath(pair.server, { loss: 0.3 }).method).toBe('filter');
  });

  it.for<[string, unknown, RegExp]>([
    ['a loss above 1', { loss: 1.5 }, /loss must be a number from 0 to 1, got 1\.5/],
    ['a loss below 0', { loss: -0.1 }, /loss must be a number from 0 to 1, got -0\.1/],
    ['a loss that is no number', { loss: Number.NaN }, /loss must be a number from 0 to 1, got NaN/],
    ['a loss as text', { loss: '30%' }, /loss must be a number from 0 to 1, got /],
    ['no loss', {}, /loss must be a number from 0 to 1, got undefined/],
    ['another method', { loss: 0.3, method: 'tc' }, /method must be 'filter' or 'outages', got /],
    ['slots of no length', { loss: 0.3, slotMs: 0 }, /slotMs must be a number of at least 1, got 0/],
    ['endless slots', { loss: 0.3, slotMs: Number.POSITIVE_INFINITY }, /slotMs must be a number of at least 1, got /],
  ])('refuses %s and leaves the path as it was', async ([, options, message]) => {
    using pair = await loopbackPair();
    expect(() => lossyPath(pair.server, options as LossOptions)).toThrow(RangeError);
    expect(() => lossyPath(pair.server, options as LossOptions)).toThrow(message);
    await lastSignOfLife(pair.client, pair.server);
  });

  it.for(['filter', 'outages', undefined] as const)('refuses a socket that is not connected (%s)', (method) => {
    const options = method === undefined ? { loss: 0.3 } : { loss: 0.3, method };
    expect(() => lossyPath(new net.Socket(), options)).toThrow(
      expect.objectContaining({ name: 'SystemCallError', code: 'ENOTCONN' }),
    );
  });

  it.for(['filter', 'outages'] as const)('refuses a socket that has been destroyed (%s)', async (method) => {
    using pair = await loopbackPair();
    pair.close();
    expect(() => lossyPath(pair.server, { loss: 0.3, method })).toThrow(
      expect.objectContaining({ name: 'SystemCallError', code: 'EBADF' }),
    );
  });

  it('never keeps the process alive', async () => {
    const program = new URL('./forgotten-path.ts', import.meta.url);
    expect(await runProgram(program, ['outages'], [], 20_000)).toEqual({ method: 'outages' });
  });
});

describe('the testing kit without privileges', () => {
  const program = new URL('./unprivileged.ts', import.meta.url);

  it('works whole, and says that losses are outages where the kernel refuses a filter', async () => {
    const result = await runProgram<UnprivilegedResult>(program);
    expect(result.userId).not.toBe(0);
    expect(result.capabilities).toBe('0000000000000000');

    expect(result.inherited).toMatchObject({ enabled: true, idle: 1000, interval: 1000, count: 1 });
    expect(result.crashed).toEqual(['ETIMEDOUT', 'ETIMEDOUT']);
    expect(result.revived).toBe('while you were out');

    expect(['EPERM', null]).toContain(result.filterRefusal);
    expect(result.lossMethod).toBe(result.filterRefusal === null ? 'filter' : 'outages');
    expect(result.arrivedThroughLoss).toBe('x'.repeat(100));
  });
});
