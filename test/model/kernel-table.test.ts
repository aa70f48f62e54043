import { beforeAll, describe, expect, it } from 'vitest';
import { hasRtoMax } from '../kernel/descriptor.js';
import { ownNetwork } from '../program.js';
import { cannotRun } from '../requirement.js';
import { agrees, predictPlayed } from './judge.js';
import { pairs } from './pairs.js';
import type { Played } from './play.js';
import { playAll } from './play-all.js';

const network = ownNetwork();
const withoutNetwork = cannotRun(network === undefined, 'it needs a network namespace (unshare --net)');
const withoutRtoMax = cannotRun(!hasRtoMax, 'TCP_RTO_MAX_MS needs Linux 6.15');

describe.skipIf(withoutNetwork)('the model agrees with the kernel', () => {
  let played: Readonly<Record<number, Played>>;

  beforeAll(async () => {
    played = await playAll(network as string[]);
  });

  for (const [index, pair] of pairs.entries()) {
    const { kind, policy, scenario } = pair;
    const events = scenario.events.map(({ what, atMs }) => `${what} at ${atMs / 1000} s`).join(', ');
    const isLeftOut = pair.rtoMax !== undefined && withoutRtoMax;
    it.skipIf(isLeftOut)(`${index + 1}: ${policy}, ${kind}: ${events}`, () => {
      const measured = played[index] as Played;
      const predicted = predictPlayed(pair, measured);
      expect(agrees(predicted, measured), JSON.stringify({ pair, predicted, measured }, null, 2)).toBe(true);
    });
  }

  it('on at least 60 pairs, some of each end', () => {
    const ends = Object.values(played).map(({ verdict, error }) => error ?? verdict);
    expect(ends.length).toBeGreaterThanOrEqual(60);
    expect(new Set(ends)).toEqual(new Set(['alive', 'ETIMEDOUT', 'ECONNRESET']));
  });
});
