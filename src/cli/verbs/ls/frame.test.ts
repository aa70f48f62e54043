import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { exampleConnection, exampleRow, off, on } from '../../../../test/host/example-row.js';
import type { Listing } from '../../../host/list/listing.js';
import type { ConnectionRow } from '../../../host/list/row.js';
import { createPaint, plain } from '../../text/colour.js';
import { displayWidth } from '../../text/display-width.js';
import { type Frame, wholeFrame, windowFrame } from './frame.js';
import { initialView } from './view.js';

const owner = (pid: number, name: string) => ({ process: { pid, name }, owners: [{ pid, name, fd: 5 }] });

const rows: readonly ConnectionRow[] = Array.from({ length: 40 }, (_, at) =>
  exampleRow({
    ...owner(at + 1, at % 3 === 0 ? '数据库\u001b[2J\u202e' : 'node'),
    keepAlive: at % 2 === 0 ? off : on,
    verdict: at % 2 === 0 ? 'unprotected' : 'protected',
    connection: exampleConnection({ unanswered: at === 17 ? 2 : 0 }),
  }),
);

const listing: Listing = {
  rows,
  incomplete: [{ what: 'a\u001b[2J', why: 'b'.repeat(300) }],
  undecided: { connections: 0, listeners: 0, reasons: [] },
  notJudged: { connections: 1, listeners: 0, reasons: ['c\u001b'] },
  isWhole: true,
  namespaces: new Set(),
  method: undefined,
};

const frame = (fields: Partial<Frame> = {}): Frame => ({
  listing,
  at: new Date(),
  view: initialView({ key: 'urgency', isReversed: false }),
  group: undefined,
  args: ['--process', 'x y\u001b[2J'],
  paint: plain,
  ...fields,
});

describe('windowFrame', () => {
  const sizes = [1, 2, 3, 4, 8, 9, 10, 11, 24, 80].flatMap((height) =>
    [1, 2, 3, 5, 8, 10, 11, 19, 40, 60, 61, 80, 120, 139].map((columns) => ({ columns, rows: height })),
  );

  it.each([undefined, 'process'] as const)('fits every window, with colours and hostile names, by %s', (group) => {
    for (const size of sizes) {
      const lines = windowFrame(frame({ group, paint: createPaint(8) }), size, true).map(stripVTControlCharacters);
      expect(lines.length).toBeLessThanOrEqual(size.rows);
      expect(Math.max(...lines.map(displayWidth))).toBeLessThanOrEqual(size.columns);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not reach the terminal
      expect(lines.join('')).not.toMatch(/[\u0000-\u001f\u202e]/);
    }
  });

  it('counts the rows that do not fit', () => {
    for (const height of [5, 9, 10, 24, 46, 47, 48, 49, 80]) {
      const lines = windowFrame(frame(), { columns: 120, rows: height }, true);
      const shown = lines.filter((line) => /\/\d+ .*protected$/.test(line)).length;
      const left = Number(/^(\d+) more$/m.exec(lines.join('\n'))?.[1] ?? 0);
      expect(shown + left).toBe(40);
    }
  });

  it('colours a row by its unanswered probes only where their number is shown', () => {
    const at = (columns: number) => windowFrame(frame({ paint: createPaint(8) }), { columns, rows: 24 }, true)[2] ?? '';
    expect(at(120)).toContain('\u001b[38;5;160mnode/18');
    expect(at(120)).toContain('\u001b[38;5;28mprotected');
    expect(at(40)).toMatch(/^node\/18/);
  });
});

describe('wholeFrame', () => {
  it('has every row, and an empty line at its end', () => {
    const text = wholeFrame(frame());
    expect(text.match(/^\S+\/\d+ .*protected$/gm)).toHaveLength(40);
    expect(text.indexOf('\n\n', text.indexOf('connections:'))).toBe(text.length - 2);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not reach the terminal
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });
});
