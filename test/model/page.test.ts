import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { successRange } from '../process/loss-model.js';
import { agrees } from './judge.js';
import { pairs, predict } from './pairs.js';
import { type Measurements, predictEnded, withTables } from './tables.js';

const page = readFileSync(new URL('../../docs/model.md', import.meta.url), 'utf8');
const measurements: Measurements = JSON.parse(readFileSync(new URL('measured.json', import.meta.url), 'utf8'));

describe('docs/model.md', () => {
  it('has what the model predicts and what was measured: run scripts/model-page.mjs', () => {
    expect(page).toBe(withTables(page, measurements));
  });

  it('has a measured value of each pair, at least 60, and each is as predicted', () => {
    expect(pairs.length).toBeGreaterThanOrEqual(60);
    for (const [index, pair] of pairs.entries()) {
      const measured = measurements.pairs[index];
      if (measured === undefined) throw new Error(`pair ${index + 1} was not measured`);
      const { atMs } = measured;
      const played = { ...measured, notBeforeMs: atMs, notAfterMs: atMs, events: [], unsureMs: 0, stalledMs: 0 };
      expect(agrees(predict(pair), played), JSON.stringify({ pair, measured })).toBe(true);
    }
  });

  it('has losses inside their confidence interval of 99 %', () => {
    for (const result of measurements.loss) {
      const { least, most } = successRange(result.connections, predictEnded(result) / result.connections, 0.005);
      expect(result.ended).toBeGreaterThanOrEqual(least);
      expect(result.ended).toBeLessThanOrEqual(most);
    }
  });
});
