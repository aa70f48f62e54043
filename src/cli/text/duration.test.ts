import { expect, it } from 'vitest';
import { humanDuration } from './duration.js';

it.each([
  [0, '0 ms'],
  [0.9, '0 ms'],
  [999.9, '999 ms'],
  [1000, '1 s'],
  [1504, '1.5 s'],
  [9999, '9.9 s'],
  [12_000, '12 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [65_000, '1 min 5 s'],
  [3_600_000, '1 h'],
  [7_875_000, '2 h 11 min'],
  [3_605_000, '1 h'],
  [90_000_000, '1 d 1 h'],
  [Number.POSITIVE_INFINITY, 'never'],
])('%d ms is said as %s', (ms, said) => {
  expect(humanDuration(ms)).toBe(said);
});
