import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { probeTime } from '../model/detection-time.js';
import { parsePolicy, readCompletePolicy } from '../parse.js';
import { judgePath, type Trial, type TrialOutcome } from './path-verdict.js';

const trial = (restMs: number, outcome: TrialOutcome, pass = 1): Trial => ({ restMs, outcome, pass });

describe('the verdict on a path', () => {
  it('takes the shortest loss, and names what contradicts it', () => {
    const stray = trial(60_000, 'alive', 2);
    const verdict = judgePath([trial(50_000, 'alive'), trial(60_000, 'silent'), stray]);
    expect(verdict).toMatchObject({ aliveMs: 50_000, lostMs: 60_000, how: 'silent', disagreements: [stray] });
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
