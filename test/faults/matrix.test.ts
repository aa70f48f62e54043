import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectElapsed } from '../kernel/expectation.js';
import { hasIPv6 } from '../peers.js';
import { cannotRun } from '../requirement.js';
import { type Measured, playCell } from './cell.js';
import { type Cell, cells, titleOf } from './matrix.js';
import { canRoute, RoutedNetwork, type RoutedPair } from './routed-network.js';
import { type Result, renderMatrix } from './table.js';

// Every cell waits for kernel timers, so all run side by side.
vi.setConfig({ maxConcurrency: 200 });

const withoutIPv6 = cannotRun(!hasIPv6, 'this machine has no address ::1');
const withoutRouter = cannotRun(!canRoute(), 'a router needs root, util-linux, iproute2 and nftables');
const isImpossible = ({ transport, fault }: Cell) =>
  (transport === 'IPv6' && withoutIPv6) || (fault.needsRoot && withoutRouter);

const results: Result[] = [];
const routed = new Map<Cell, RoutedPair>();
let network: RoutedNetwork | undefined;

beforeAll(async () => {
  if (withoutRouter) return;
  network = await RoutedNetwork.make();
  for (const cell of cells.filter((cell) => cell.fault.needsRoot && !isImpossible(cell))) {
    routed.set(cell, await network.connect(cell.transport));
  }
  await network.forgetTheQuiet();
});

afterAll(async () => {
  for (const pair of routed.values()) pair.close();
  await network?.close();
});

function expectDeath({ expected, guard, transport }: Cell, { played, end, dead, explained }: Measured): void {
  if (end === undefined || expected.within === undefined) throw new Error('it is not dead');
  expect(end.code).toBe((transport === 'IPv6' ? expected.codeIPv6 : undefined) ?? expected.code);
  expectElapsed(played.since, end.at, expected.within(played.rtoMs));
  expect(explained).toBe(expected.reason);
  const decidedBy = guard === 'deadAfter' && expected.reason === 'unanswered' ? 'watch' : 'kernel';
  expect(dead).toMatchObject([{ type: 'dead', reason: expected.reason, decidedBy }]);
}

describe.concurrent('each fault is told apart', () => {
  for (const cell of cells) {
    it.skipIf(isImpossible(cell))(titleOf(cell), async () => {
      const measured = await playCell(cell, routed.get(cell));
      results.push({ cell, measured });
      expect(measured.end === undefined ? 'alive' : 'dead').toBe(cell.expected.verdict);
      if (cell.expected.verdict === 'dead') expectDeath(cell, measured);
      else expect(measured.dead).toEqual([]);
      const story = cell.expected.story ?? cell.fault.story;
      if (story !== undefined) expect(measured.story, measured.storyInDetail).toEqual(story);
    });
  }
});

it('prints the table', () => {
  const table = renderMatrix(results);
  console.log(table);
  expect(Math.max(...table.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  // With nothing lost the cells would show nothing: in more than 100 probes, that is 0.7^100.
  const lossy = results.filter(({ cell }) => cell.fault.name === '30 % loss');
  expect(lossy.flatMap(({ measured }) => measured.story)).toContain('suspect');
});
