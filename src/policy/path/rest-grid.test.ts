import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgePath, type Trial, type TrialOutcome } from './path-verdict.js';
import { firstRests, nextRests } from './rest-grid.js';

const standard = { minMs: 30_000, maxMs: 1_200_000, connections: 40 };

const trial = (restMs: number, outcome: TrialOutcome, pass = 1): Trial => ({ restMs, outcome, pass });

/** Measures a path that loses connections after `timeoutMs`; returns the trials and how long it took. */
function measure(timeoutMs: number, range: typeof standard) {
  const trials: Trial[] = [];
  let tookMs = 0;
  let pass = 0;
  let most = 0;
  for (let rests = firstRests(range); rests.length > 0; rests = nextRests(trials, range)) {
    pass += 1;
    most = Math.max(most, rests.length);
    const lost = rests.filter((rest) => rest >= timeoutMs);
    const asked = rests.filter((rest) => rest <= (lost[0] ?? Number.POSITIVE_INFINITY));
    trials.push(...asked.map((rest) => trial(rest, rest >= timeoutMs ? 'silent' : 'alive', pass)));
    tookMs += Math.max(...asked);
    if (pass > 12) throw new Error('it does not end');
  }
  return { verdict: judgePath(trials), tookMs, pass, most };
}

describe('the grid of rests', () => {
  it('ends if results disagree', () => {
    const trials = [trial(50_000, 'alive'), trial(60_000, 'silent'), trial(60_000, 'alive', 2)];
    expect(nextRests(trials, standard)).toEqual([]);
  });

  it('is 30 s x 1.1^n and 20 min, with 40 connections', () => {
    const rests = firstRests(standard);
    expect(rests).toHaveLength(40);
    expect(rests.slice(0, 3)).toEqual([30_000, 33_000, 36_300]);
    expect(rests.at(-1)).toBe(1_200_000);
  });

  it('knows a timeout to 1 % after 2.2 times the timeout', () => {
    for (const timeoutMs of [31_000, 60_500, 240_500, 350_500, 900_500]) {
      const { verdict, tookMs, pass } = measure(timeoutMs, standard);
      expect(verdict.aliveMs).toBeLessThan(timeoutMs);
      expect(verdict.lostMs).toBeGreaterThanOrEqual(timeoutMs);
      expect((verdict.lostMs as number) / verdict.aliveMs).toBeLessThan(1.0101);
      expect(tookMs).toBeLessThanOrEqual(timeoutMs * 2.2);
      expect(pass).toBe(2);
    }
  });

  it('never needs more connections than it may have, and ends for any timeout', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 500, max: 1_300_000 }),
        fc.integer({ min: 2, max: 60 }),
        (timeoutMs, connections) => {
          const { verdict, most } = measure(timeoutMs, { ...standard, connections });
          expect(most).toBeLessThanOrEqual(connections);
          if (timeoutMs > standard.maxMs) expect(verdict).toMatchObject({ aliveMs: standard.maxMs, how: 'survived' });
          else expect(verdict.lostMs).toBeGreaterThanOrEqual(timeoutMs);
          expect(verdict.aliveMs).toBeLessThan(timeoutMs);
          expect(verdict.disagreements).toEqual([]);
          if (timeoutMs > 2000 && timeoutMs <= standard.maxMs) {
            expect((verdict.lostMs as number) - verdict.aliveMs).toBeLessThanOrEqual(Math.max(251, timeoutMs * 0.0101));
          }
        },
      ),
    );
  });
});
