import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { probeTime } from '../model/detection-time.js';
import { parsePolicy, readCompletePolicy } from '../parse.js';
import { firstRests, nextRests } from './idle-grid.js';
import { judgePath, type Trial, type TrialOutcome } from './path-verdict.js';

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

describe('the verdict on a path', () => {
  it('takes the shortest loss, and names what contradicts it', () => {
    const stray = trial(60_000, 'alive', 2);
    const verdict = judgePath([trial(50_000, 'alive'), trial(60_000, 'silent'), stray]);
    expect(verdict).toMatchObject({ aliveMs: 50_000, lostMs: 60_000, how: 'silent', disagreements: [stray] });
    expect(nextRests([trial(50_000, 'alive'), trial(60_000, 'silent'), stray], standard)).toEqual([]);
  });

  it('tells a server that closes after a time from one that closes some connections early', () => {
    const closed = judgePath([
      trial(50_000, 'alive'),
      trial(60_010, 'closed-by-server'),
      trial(60_000, 'closed-by-server'),
    ]);
    expect(closed).toMatchObject({ aliveMs: 50_000, lostMs: 60_000, how: 'closed-by-server', disagreements: [] });
    const later = judgePath([trial(50_000, 'alive'), trial(80_000, 'alive'), trial(60_000, 'closed-by-server')]);
    expect(later).toMatchObject({ aliveMs: 50_000, lostMs: 60_000, how: 'closed-by-server', disagreements: [] });
    const early = trial(10, 'closed-by-server');
    expect(judgePath([trial(50_000, 'alive'), early])).toMatchObject({ how: 'survived', disagreements: [early] });
  });

  it('tells RST from silence, and reports both', () => {
    const silent = trial(64_000, 'silent');
    const verdict = judgePath([trial(50_000, 'alive'), trial(60_000, 'reset'), silent]);
    expect(verdict).toMatchObject({ how: 'reset', disagreements: [silent] });
  });

  it('recommends the longest idle time that is early enough in the worst case', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4000, max: 3_600_000 }), (aliveMs) => {
        const { recommendedIdle: idle, policy } = judgePath([trial(aliveMs, 'alive')]);
        if (idle === null || policy === null) throw new Error('none is recommended');
        const { interval = 0, ...rest } = parsePolicy(policy);
        expect(rest).toMatchObject({ idle, count: 3 });
        const latestMs = (idleMs: number) =>
          probeTime(readCompletePolicy({ ...rest, idle: idleMs, interval }), 2).latestMs;
        expect(latestMs(idle)).toBeLessThan(aliveMs);
        expect(latestMs(idle + 1000)).toBeGreaterThanOrEqual(aliveMs);
      }),
    );
    expect(judgePath([trial(1500, 'alive')])).toMatchObject({ recommendedIdle: null, policy: null });
    expect(judgePath([trial(1500, 'silent')])).toMatchObject({ aliveMs: 0, recommendedIdle: null, policy: null });
  });
});

it('finds no contradiction in a server that closes every connection at once', () => {
  const trials = [40, 0, 1, 0].map((restMs) => trial(restMs, 'closed-by-server'));
  expect(judgePath(trials)).toMatchObject({ lostMs: 0, how: 'closed-by-server', disagreements: [], policy: null });
});
