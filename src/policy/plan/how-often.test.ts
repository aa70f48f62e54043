import { expect, it } from 'vitest';
import { howOften } from './how-often.js';

it.each([
  [0, 'never'],
  [12_345.6, '12,345 times a day'],
  [2.62, '2.6 times a day'],
  [1, 'once a day'],
  [0.1, 'once in 10 days'],
  [1e-3, 'once in 2 years'],
  [1e-6, 'once in 2,737 years'],
  [1e-300, 'once in over 1,000,000 years'],
])('%d a day is %s', (perDay, text) => {
  expect(howOften(perDay)).toBe(text);
});
