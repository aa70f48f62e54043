import { describe, expect, it } from 'vitest';
import { judgePath, type Trial, type TrialOutcome } from '../../../policy/path/path-verdict.js';
import type { PathMeasurement } from '../../../socket/path/path-options.js';
import { renderMeasurement, renderProgress } from './text.js';

const target = { host: 'db.example', port: 5432 };

type Result = [restMs: number, outcome: TrialOutcome, pass?: number];

function measurement(...results: Result[]): PathMeasurement {
  const trials: Trial[] = results.map(([restMs, outcome, pass = 1]) => ({ restMs, outcome, pass }));
  return { ...judgePath(trials), trials, address: '192.0.2.7', port: 5432, connections: 40, incomplete: [] };
}

const render = (...results: Result[]) =>
  renderMeasurement(measurement(...results), target, Number.POSITIVE_INFINITY)
    .trimEnd()
    .split('\n');

describe('the answer of nat', () => {
  it('rounds what was survived down, and what was not up', () => {
    expect(render([347_900, 'alive'], [350_100, 'silent'])).toEqual([
      'An idle connection to db.example:5432 (192.0.2.7) lives for 5 min 47 s; after 5 min 51 s the path has lost it: what is sent then is dropped silently.',
      'Recommended idle: 309 s: the latest first probe and one repeat leave within 5 min 47 s.',
      'With needs of your own: tcp-keepalive plan --behind 347s --tolerate 10s',
      'Policy: 309:5:3',
    ]);
  });

  it('says how the connection was lost', () => {
    expect(render([10_000, 'alive'], [10_149, 'reset'])[0]).toMatch(
      / lives for 10\.0 s; after 10\.2 s the path has lost it: what is sent then is answered with RST\.$/,
    );
    expect(render([1000, 'silent'])).toEqual([
      'No idle connection to db.example:5432 (192.0.2.7) was kept: after 1.0 s the path has lost it: what is sent then is dropped silently.',
      'No idle time is short enough for a probe and a repeat in time.',
    ]);
  });

  it('names results that disagree, and what to do', () => {
    expect(render([50_000, 'alive'], [60_000, 'silent'], [80_000, 'alive', 2])[1]).toBe(
      'Results that disagree: alive after 80.0 s (pass 2). The shortest loss counts. The path has changed, or keeps connections differently: measure again.',
    );
    const early = Array.from({ length: 7 }, (): Result => [20, 'closed-by-server']);
    expect(render([50_000, 'alive'], ...early)[1]).toMatch(
      /^Results that disagree: (closed by the server after 0\.0 s \(pass 1\); ){5}2 more\. The server may take fewer connections: /,
    );
  });

  it('fits the window', () => {
    const lines = renderMeasurement(measurement([347_900, 'alive']), target, 60).split('\n');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(60);
  });
});

it('the progress has what is known and the time left', () => {
  const known = measurement([30_000, 'alive'], [60_000, 'silent']);
  expect(renderProgress({ pass: 2, resting: 11, leftMs: 41_200, known })).toBe(
    'pass 2, at most 42 s left: 11 connections at rest, alive after 30.0 s, lost after 60.0 s',
  );
});
