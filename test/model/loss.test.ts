import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../src/index.js';
import { falseAlarm } from '../../src/policy/model/false-alarm.js';
import { dayMs } from '../../src/policy/model/traffic.js';
import { successRange } from '../process/loss-model.js';
import { ownNetwork, runProgram } from '../program.js';
import type { LossyResult } from './lossy-connections.js';

describe('connections that a lossy path ends', () => {
  it('are as many as the model says: at random, and in outages', async () => {
    const program = new URL('lossy-connections.ts', import.meta.url);
    const results = await runProgram<LossyResult[]>(program, [], ownNetwork() ?? [], 60_000);
    expect(results).toHaveLength(4);
    for (const result of results) {
      const { least, most } = expected(result);
      const what = JSON.stringify(result);
      expect(result.ended, what).toBeGreaterThanOrEqual(least);
      expect(result.ended, what).toBeLessThanOrEqual(most);
    }
  });
});

/** How many connections end, leaving out one result in 5000 at either side. */
function expected({ policy, path, connections, lossyMs }: LossyResult) {
  const settings = parsePolicy(policy);
  const { perDay, probes } = falseAlarm(settings, path);
  // A connection ends only so many intervals after the first probe that was lost.
  const exposedMs = lossyMs - probes * settings.interval;
  return successRange(connections, 1 - Math.exp((-perDay * exposedMs) / dayMs), 0.0002);
}
