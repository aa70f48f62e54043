import { describe, expect, it } from 'vitest';
import { exampleConnection, exampleInfo, exampleRow, inState, off } from '../../../test/host/example-row.js';
import { parseSortOrder, type SortKey, sortKeys, sortRows } from './order.js';

const rows = [
  exampleRow({
    process: { pid: 20, name: 'b' },
    connection: exampleConnection({
      remote: { address: '10.0.0.2', port: 80 },
      unanswered: 2,
      sendQueue: 5,
      info: exampleInfo({ lastDataReceivedMs: 1 }),
    }),
    verdict: 'slow',
  }),
  exampleRow({
    process: { pid: 3, name: 'c' },
    unit: 'a.service',
    connection: exampleConnection({
      remote: { address: '9.0.0.1', port: 80 },
      timer: { kind: 'persist', expiresMs: 1 },
    }),
    keepAlive: off,
    verdict: 'unprotected',
  }),
  exampleRow({
    process: null,
    unit: null,
    connection: inState('LISTEN', {
      remote: { address: '::', port: 0 },
      timer: null,
      local: { address: '::', port: 22 },
    }),
    keepAlive: null,
    verdict: null,
  }),
  exampleRow({
    process: { pid: 100, name: 'a' },
    container: 'docker:3f2a9c0d1e4b',
    connection: exampleConnection({ remote: { address: '9.0.0.1', port: 9 }, info: exampleInfo() }),
  }),
];

const order = (key: SortKey, isReversed = false) => sortRows(rows, { key, isReversed }).map((row) => rows.indexOf(row));

describe('sortRows', () => {
  it.each([
    ['process', [3, 0, 1, 2]],
    ['pid', [1, 0, 3, 2]],
    ['unit', [1, 3, 0, 2]],
    ['local', [0, 1, 3, 2]],
    ['remote', [3, 1, 0, 2]],
    ['port', [2, 0, 1, 3]],
    ['state', [0, 1, 3, 2]],
    ['idle', [0, 3, 1, 2]],
    ['timer', [1, 0, 3, 2]],
    ['unanswered', [0, 1, 2, 3]],
    ['heard', [1, 3, 0, 2]],
    ['in-flight', [0, 1, 3, 2]],
    ['verdict', [1, 0, 3, 2]],
  ] as const)('by %s', (key, expected) => {
    expect(order(key)).toEqual(expected);
  });

  it('by every key that there is', () => {
    for (const key of sortKeys) expect(order(key)).toHaveLength(rows.length);
  });

  it('the other way round, what is not known still last', () => {
    expect(order('pid', true)).toEqual([3, 0, 1, 2]);
    expect(order('verdict', true)).toEqual([3, 0, 1, 2]);
  });
});

describe('parseSortOrder', () => {
  it.each([
    ['heard', { key: 'heard', isReversed: false }],
    ['-in-flight', { key: 'in-flight', isReversed: true }],
    ['constructor', undefined],
    ['', undefined],
    ['-', undefined],
  ])('reads %j', (text, expected) => {
    expect(parseSortOrder(text)).toEqual(expected);
  });
});
