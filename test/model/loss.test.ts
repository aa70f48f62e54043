import { describe, expect, it } from 'vitest';
import { successRange } from '../process/loss-model.js';
import { ownNetwork, runProgram } from '../program.js';
import type { LossyResult } from './lossy-connections.js';
import { predictEnded } from './tables.js';

describe('connections that a lossy path ends', () => {
  it('are as many as the model says: at random, and in outages', async () => {
    const program = new URL('lossy-connections.ts', import.meta.url);
    const results = await runProgram<LossyResult[]>(program, [], ownNetwork() ?? [], 60_000);
    expect(results).toHaveLength(4);
    for (const result of results) {
      const share = predictEnded(result) / result.connections;
      // Leaves out one result in 5000 at either side.
      const { least, most } = successRange(result.connections, share, 0.0002);
      const what = JSON.stringify(result);
      expect(result.ended, what).toBeGreaterThanOrEqual(least);
      expect(result.ended, what).toBeLessThanOrEqual(most);
    }
  });
});
