import { describe, expect, it } from 'vitest';
import { ownNetwork, runProgram } from '../program.js';
import { cannotRun } from '../requirement.js';
import type { RemovedResult } from './added-and-removed.js';
import { runProbability, successRange } from './loss-model.js';
import type { LossyResult } from './lossy-peers.js';
import type { QuietResult } from './quiet-peers.js';
import type { UnheldResult } from './unheld-sockets.js';
import type { VanishingResult } from './vanishing-peers.js';

const prefix = ownNetwork() ?? [];
const cannotIsolate = cannotRun(prefix.length === 0, 'it needs a network namespace of its own');
// Newer kernels let only CAP_NET_ADMIN attach the filter that loses packets.
const isUnprivileged = cannotRun(process.getuid?.() !== 0, 'it needs root');

const quietMs = process.env['CI'] ? 120_000 : 20_000;
const withinMs = quietMs + 100_000;

function run<Result>(program: string, ...args: (string | number)[]): Promise<Result> {
  return runProgram<Result>(new URL(program, import.meta.url), args.map(String), prefix, withinMs);
}

describe.skipIf(cannotIsolate)('a watch of thousands of connections', { timeout: withinMs + 10_000 }, () => {
  it.each(['in-turn', 'at-once'])('tells of each of 5,000 peers that vanish once, probed %s', async (when) => {
    const result = await run<VanishingResult>('vanishing-peers.ts', 5000, when);
    const { turnP99Ms, turnMaxMs, ...told } = result;
    expect(told).toEqual({ vanished: 5000, deadSockets: 5000, deadEvents: 5000, reasons: ['keepalive'], left: 0 });
    console.log(`a turn took ${turnP99Ms.toFixed(1)} ms of CPU (p99), ${turnMaxMs.toFixed(1)} ms (most), ${when}`);
    // A sign of work without bound, not a measurement: the target is 50 ms.
    expect(turnP99Ms).toBeLessThan(200);
  });

  it(`tells nothing of 10,000 healthy connections, for ${quietMs / 1000} s`, async () => {
    const result = await run<QuietResult>('quiet-peers.ts', 10_000, quietMs);
    const { watched, events, probesPerConnection, lost, stalledMs } = result;
    expect(watched).toBe(10_000);
    expect(probesPerConnection).toBeGreaterThan(0.8 * (quietMs / 1000) - 1);
    // What the kernel had no room for, or could not deliver within a round trip's estimate, is rightly suspected.
    const isBusy = lost > 0 || stalledMs > 100;
    if (isBusy) console.warn(`${lost} packets were lost, and the machine stood still for ${stalledMs.toFixed(0)} ms`);
    const { suspect = 0, recovered = 0, ...others } = events;
    expect(others).toEqual({});
    if (!isBusy) expect(suspect).toBe(0);
    expect(recovered).toBe(suspect);
  });

  it('leaves nothing on 10,000 sockets that are added and removed again and again', async () => {
    const { growthBytes, ...left } = await run<RemovedResult>('added-and-removed.ts', 10_000);
    expect(left).toEqual({ sizeFull: 10_000, sizeEmpty: 0, listenersAfterDelete: 0, listenersAfterClose: 0 });
    // Fifty thousand more additions; what a watch keeps of one connection is some hundred bytes.
    expect(growthBytes).toBeLessThan(1_000_000);
  });
});

describe('what a watch holds', () => {
  it('is neither the process nor a socket', async () => {
    const { dropped, notCollected, sizeAtEnd, waitedMs } = await run<UnheldResult>('unheld-sockets.ts');
    expect(dropped).toBe(50);
    expect(notCollected).toBe(0);
    expect(sizeAtEnd).toBe(1);
    expect(waitedMs).toBeLessThan(500);
  });
});

describe('healthy connections under random loss', () => {
  const perGroup = 400;

  it.skipIf(cannotIsolate || isUnprivileged)(
    'die as often as independent losses predict, and the watch tells of each',
    async () => {
      const results = await run<LossyResult[]>('lossy-peers.ts', perGroup);
      expect(results.map(({ loss }) => loss)).toEqual([0.1, 0.1, 0.3, 0.3, 0.5, 0.5]);
      // All groups together are outside their ranges in no more than one of a thousand runs.
      const tail = 0.001 / 2 / results.length;
      for (const { loss, bothWays, count, connections, ...result } of results) {
        const { givenUp, fewestProbes, mostProbes, endedByKernel, toldOf, deadEvents } = result;
        const p = bothWays ? 1 - (1 - loss) ** 2 : loss;
        // A connection is given up when the next probe is due: the last that was sent has killed none.
        const fewest = runProbability(p, count, fewestProbes - 1);
        const most = runProbability(p, count, mostProbes - 1);
        const { least } = successRange(connections, fewest, tail);
        const range = { least, most: successRange(connections, most, tail).most };
        const what = `${100 * loss} % ${bothWays ? 'both ways' : 'one way'}, 1:1:${count}`;
        const predicted = `${(connections * fewest).toFixed(1)} to ${(connections * most).toFixed(1)}`;
        console.log(
          `${what}: ${givenUp} of ${connections} dead, predicted ${predicted}, ${range.least} to ${range.most} allowed`,
        );
        expect(givenUp, what).toBeGreaterThanOrEqual(range.least);
        expect(givenUp, what).toBeLessThanOrEqual(range.most);
        expect({ toldOf, deadEvents }, what).toEqual({ toldOf: endedByKernel, deadEvents: endedByKernel });
      }
    },
  );
});
