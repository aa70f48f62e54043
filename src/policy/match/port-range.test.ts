import { describe, expect, it } from 'vitest';
import { isInRange, type PortRange, parsePortRange } from './port-range.js';

describe('parsePortRange', () => {
  it.each<[string, PortRange]>([
    ['443', { end: 'either', first: 443, last: 443 }],
    ['1', { end: 'either', first: 1, last: 1 }],
    ['65535', { end: 'either', first: 65_535, last: 65_535 }],
    ['8000-8099', { end: 'either', first: 8000, last: 8099 }],
    ['80-80', { end: 'either', first: 80, last: 80 }],
    ['local:443', { end: 'local', first: 443, last: 443 }],
    ['remote:5432-5433', { end: 'remote', first: 5432, last: 5433 }],
  ])('reads %s', (text, range) => {
    expect(parsePortRange(text)).toEqual(range);
  });

  it.each(['', '0', '0-80', '65536', '1-65536', '90-80', '80-', '-80', '80-90-100', 'peer:80', 'local:', ' 80', '8e1'])(
    "refuses '%s'",
    (text) => {
      expect(parsePortRange(text)).toBeUndefined();
    },
  );
});

describe('isInRange', () => {
  it.each<[string, local: number, remote: number, boolean]>([
    ['80-90', 79, 91, false],
    ['80-90', 80, 1, true],
    ['80-90', 1, 90, true],
    ['local:80-90', 90, 1, true],
    ['local:80-90', 1, 80, false],
    ['remote:80-90', 80, 1, false],
    ['remote:80-90', 1, 80, true],
  ])('%s of %i to %i is %s', (text, local, remote, expected) => {
    expect(isInRange(parsePortRange(text) as PortRange, local, remote)).toBe(expected);
  });
});
