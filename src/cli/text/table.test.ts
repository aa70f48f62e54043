import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayWidth } from './display-width.js';
import { printable } from './printable.js';
import { cutEnd, cutMiddle, keepingTail, renderTable } from './table.js';

describe('cutting', () => {
  it.each([
    ['postgres', 8, 'postgres'],
    ['postgres', 7, 'postgr…'],
    ['postgres', 1, '…'],
    ['postgres', 0, ''],
    ['数据库', 5, '数据…'],
    ['数据库', 4, '数…'],
    ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
  ])('cuts the end of %s to %d: %s', (text, width, expected) => {
    expect(cutEnd(text, width)).toBe(expected);
  });

  it.each([
    ['2001:db8::17', 12, '2001:db8::17'],
    ['2001:db8::17', 9, '2001…::17'],
    ['2001:db8::17', 8, '2001…:17'],
    ['abc', 1, '…'],
  ])('cuts the middle of %s to %d: %s', (text, width, expected) => {
    expect(cutMiddle(text, width)).toBe(expected);
  });

  it('keeps the tail where there is room for more than it', () => {
    expect(keepingTail('/', cutEnd)('redis-server/41877', 12)).toBe('redis…/41877');
    expect(keepingTail('/', cutEnd)('redis-server/41877', 7)).toBe('redis-…');
    expect(keepingTail(':', cutMiddle)('[2001:db8::17]:443', 13)).toBe('[200…:17]:443');
  });

  it('is never wider than asked', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }).map(printable), fc.integer({ min: 0, max: 12 }), (text, width) => {
        for (const cut of [cutEnd, cutMiddle, keepingTail('/', cutEnd)]) {
          expect(displayWidth(cut(text, width))).toBeLessThanOrEqual(width);
        }
      }),
    );
  });
});

describe('renderTable', () => {
  const columns = [
    { title: 'NAME', least: 5 },
    { title: 'EXTRA', worth: 1 },
    { title: 'MORE', worth: 2 },
    { title: 'N', align: 'right' },
  ] as const;
  const rows = [
    ['first name', 'aaaaa', 'bbbb', '1'],
    ['x', 'a', 'b', '1000'],
  ];
  const titles = (width: number) => renderTable(columns, rows, width).split('\n')[0];

  it('leaves all as it is where it fits', () => {
    expect(renderTable(columns, rows, 29)).toBe(renderTable(columns, rows, Number.POSITIVE_INFINITY));
    expect(renderTable(columns, rows, 29).split('\n')).toEqual([
      'NAME        EXTRA  MORE     N',
      'first name  aaaaa  bbbb     1',
      'x           a      b     1000',
    ]);
  });

  it('shortens first, as little as it must, then drops the least worth', () => {
    expect(renderTable(columns, rows, 26)).toContain('first …  aaaaa');
    expect(titles(24)).toBe('NAME   EXTRA  MORE     N');
    expect(titles(23)).toBe('NAME        MORE     N');
    expect(titles(17)).toBe('NAME   MORE     N');
    expect(titles(16)).toBe('NAME           N');
  });

  it('lets no character through that moves the cursor or reverses the text', () => {
    expect(renderTable(['NAME', 'N'], [['a\u202eb\n', '1']])).toBe('NAME          N\na\\u202eb\\x0a  1');
  });

  it('cuts lines where nothing more can go', () => {
    expect(renderTable(columns, rows, 8).split('\n')).toEqual(['NAME   …', 'firs…  …', 'x      …']);
  });
});
