import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { faults, guards, transports } from './matrix.js';
import { verdictText } from './table.js';

const page = readFileSync(new URL('../../docs/dead-with-data-in-flight.md', import.meta.url), 'utf8');
const [, table = ''] = /```text\n(.*?)```/s.exec(page) ?? [];
const [, ...rows] = table.trimEnd().split('\n');
/** As the page says of a busy machine. */
const lateSeconds = 0.25;
const cells = faults.flatMap((fault) => guards.map((guard) => ({ fault, guard })));

describe('docs/dead-with-data-in-flight.md', () => {
  it('has a row for each fault and guard', () => {
    expect(rows).toHaveLength(cells.length);
  });

  it('states the verdicts and reasons that the matrix expects, and measurements inside the ranges', () => {
    for (const [index, { fault, guard }] of cells.entries()) {
      const row = rows[index] ?? '';
      const { verdict, reason } = fault.expected[guard];
      if (guard === guards[0]) expect(row.startsWith(fault.name)).toBe(true);
      const text = row.slice(row.indexOf(` ${guard} `, 5) + guard.length + 1).trim();
      const word = verdictText(verdict, fault.isPeerThere);
      if (verdict === 'alive') {
        expect(text.split(/\s+/), row).toEqual([word, ...transports.map(() => word)]);
        continue;
      }
      const match = /^(\w+) ([\d.]+)\.\.([\d.]+) s, (\S+)((?:\s+[\d.]+ s)+)$/.exec(text);
      expect(match?.slice(1, 2), row).toEqual([word]);
      expect(match?.[4], row).toBe(reason);
      const measured = [...(match?.[5] ?? '').matchAll(/[\d.]+/g)].map(Number);
      expect(measured, row).toHaveLength(transports.length);
      for (const seconds of measured) {
        expect(seconds, row).toBeGreaterThanOrEqual(Number(match?.[2]));
        expect(seconds, row).toBeLessThanOrEqual(Number(match?.[3]) + lateSeconds);
      }
    }
  });
});
