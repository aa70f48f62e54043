import { expect, it } from 'vitest';
import * as main from '../../src/index.js';
import * as linux from '../../src/linux.js';

it('no caller can change for others what the package exports', () => {
  const values = Object.entries({ ...main, ...linux }).filter(([, value]) => typeof value === 'object');
  expect(values.map(([name]) => name)).toEqual(
    expect.arrayContaining(['allStates', 'dialectNames', 'liveStates', 'middleboxes']),
  );
  expect(values.filter(([, value]) => !Object.isFrozen(value))).toEqual([]);
});

it('no caller can change the time of what never happens', () => {
  const { detectionTime, judgeBehind } = main;
  for (const range of [detectionTime(false), detectionTime('off', 'rebooted'), judgeBehind(false, '350s').firstProbe]) {
    expect(() => Object.assign(range, { latestMs: 5 })).toThrow(TypeError);
  }
  expect(detectionTime(false).latestMs).toBe(Number.POSITIVE_INFINITY);
});
