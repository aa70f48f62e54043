import { describe, expect, it } from 'vitest';
import { exampleConnection, exampleInfo, inState, off, on } from '../../../../test/host/example-row.js';
import { groupRows } from '../../../host/list/groups.js';
import { connectionRow, type RowParts } from '../../../host/list/row.js';
import { createJudge } from '../../../policy/model/verdict.js';
import { middleboxes, middleboxOf } from '../../../policy/plan/middleboxes.js';
import { createPaint } from '../../text/colour.js';
import { middleboxCaveat, middleboxText } from '../../text/middlebox.js';
import { renderExplanations } from './explain.js';
import { renderConnections, renderGroups, renderSummary } from './text.js';
import { initialView, pressed, type View, viewedRows, viewLine } from './view.js';

const place = { path: null, unit: null, container: null };
const owners = [{ pid: 812, name: 'postgres', fd: 9 }];
const late = { ...on, idle: 345_000 };

const behind = (keepAlive: RowParts['keepAlive'], connection = exampleConnection(), behindMs = 350_000) =>
  connectionRow(connection, { keepAlive, owners, place, retries2: 15, behindMs }, createJudge(60_000, behindMs));

const heard = (lastAckReceivedMs: number) =>
  exampleConnection({ info: exampleInfo({ lastDataReceivedMs: 1e9, lastAckReceivedMs }) });
const rows = [behind(late, heard(338_000)), behind(late, heard(353_000)), behind(off, heard(20_000)), behind(on)];
const timed = { enabled: true, idle: null, interval: null, count: null, userTimeout: null };
const none = { connections: 0, listeners: 0, reasons: [] };

describe('the table behind a middlebox', () => {
  it('has a column for the time when a connection is dropped', () => {
    const [title, ...lines] = renderConnections(rows, Number.POSITIVE_INFINITY).split('\n');
    expect(title).toMatch(/ DROPPED +VERDICT$/);
    expect(lines.map((line) => line.split(/ {2,}/).slice(-2))).toEqual([
      ['in 12 s', 'exposed'],
      ['3 s ago', 'exposed'],
      ['in 5 min 30 s', 'unprotected'],
      ['-', 'protected'],
    ]);
  });

  it.each([60, 70, 80, 100])('fits %i columns, and has the column where there is room', (width) => {
    const lines = renderConnections(rows, width).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    expect(lines[0]?.includes('DROPPED')).toBe(width >= 70);
    expect(lines[0]).toMatch(/REMOTE .*VERDICT$/);
  });

  it('has a tone of its own for the verdict', () => {
    const paint = createPaint(8);
    expect(renderConnections(rows, 200, paint)).toContain(paint('exposed', 'serious'));
    const groups = groupRows(rows, 'netns');
    expect(renderGroups(groups, 'netns', 60, paint)).toContain(paint('2', 'serious'));
  });

  it('counts exposed connections in groups and in the summary', () => {
    const [title, counts] = renderGroups(groupRows(rows, 'netns'), 'netns', 60).split('\n');
    expect(title?.split(/ +/)).toEqual(['NETNS', 'UNPROTECTED', 'EXPOSED', 'SLOW', 'PROTECTED', 'UNKNOWN']);
    expect(counts?.split(/ +/).slice(1)).toEqual(['1', '2', '0', '1', '0']);
    const summary = renderSummary({ rows, notJudged: none, behind: middleboxOf('aws-nlb') });
    expect(summary.split('\n')).toEqual([
      '4 connections: 1 unprotected, 2 exposed, 1 protected',
      'behind AWS NLB, TCP listener: idle timeout 5 min 50 s; safe with an idle time of 311 s or less and an interval of 5 s, also if a probe is lost',
    ]);
  });
});

describe('--explain behind a middlebox', () => {
  const explained = (...some: ReturnType<typeof behind>[]) =>
    renderExplanations(some, 60_000, Number.POSITIVE_INFINITY).split('; ').at(-1);

  it.each([
    [
      [rows[0]],
      'the first probe can come 6 min 26 s after the last packet: dropped 5 min 50 s after it was last heard, in 12 s',
    ],
    [
      [rows[1]],
      'the first probe can come 6 min 26 s after the last packet: dropped 5 min 50 s after it was last heard, 3 s ago',
    ],
    [[rows[0], rows[1]], /: dropped 5 min 50 s after they were last heard, the first 3 s ago$/],
    [[rows[2]], 'no probe comes: dropped 5 min 50 s after it was last heard, in 5 min 30 s'],
    [[rows[3]], /^with data in flight within/],
    [
      [behind(late, inState('LISTEN', { timer: null }))],
      'the first probe can come 6 min 26 s after the last packet, and the middlebox forgets the connection after 5 min 50 s',
    ],
    [[behind(null)], /not known/],
    [
      [behind(timed, exampleConnection({ timer: { kind: 'keepalive', expiresMs: 400_000 } }))],
      'the first probe can come too late: dropped 5 min 50 s after it was last heard, in 5 min 32 s',
    ],
  ])('%#: says by when a connection is dropped', (some, text) => {
    expect(explained(...(some as ReturnType<typeof behind>[]))).toEqual(
      typeof text === 'string' ? text : expect.stringMatching(text),
    );
  });
});

describe('the keys of --watch', () => {
  const shownBy = (view: View, keys: number) => {
    let last = view;
    const shown = Array.from({ length: keys }, () => {
      last = pressed(last, { text: 'v', name: 'v', isControl: false } as never) as View;
      return last.verdict;
    });
    return { shown, last };
  };
  const order = { key: 'urgency', isReversed: false } as const;

  it('show exposed connections only behind a middlebox', () => {
    expect(shownBy(initialView(order), 4).shown).toEqual(['unprotected', 'slow', 'protected', '?']);
    const { shown } = shownBy(initialView(order, true), 5);
    expect(shown).toEqual(['unprotected', 'exposed', 'slow', 'protected', '?']);
    const { last } = shownBy(initialView(order, true), 2);
    expect(viewedRows(rows, last)).toEqual(rows.slice(0, 2));
    expect(viewLine(last)).toContain('v verdict: exposed');
  });

  it('find rows by the time when they are dropped', () => {
    expect(viewedRows(rows, { ...initialView(order, true), text: 'ago' })).toEqual([rows[1]]);
  });
});

describe('the text of a middlebox', () => {
  it.each([
    ['netscaler', /idle timeout 2 h 30 min \(unconfirmed\); safe with an idle time of \d+ s or less/],
    ['aws-nat-gateway', /idle timeout 5 min 50 s \(from a secondary source\); safe/],
    ['aws-alb', /idle timeout 1 min \(from a secondary source\); keepalive does not count$/],
    ['haproxy', /no default idle timeout; keepalive does not count$/],
    ['kemp', /whether keepalive counts is not known$/],
    ['5m', /^behind a middlebox: idle timeout 5 min; safe with an idle time of 261 s or less/],
    ['3s', /^behind a middlebox: idle timeout 3 s$/],
  ])('of %s says how sure it is', (name, text) => {
    expect(middleboxText(middleboxOf(name))).toMatch(text);
  });

  it('marks each that is not confirmed, and warns where keepalive may not count', () => {
    for (const middlebox of middleboxes) {
      const { sure, keepAliveCounts } = middlebox;
      expect(/\((unconfirmed|from a secondary source)\)/.test(middleboxText(middlebox))).toBe(sure !== 'confirmed');
      expect(middleboxCaveat(middlebox) !== undefined).toBe(keepAliveCounts !== true);
    }
    expect(middleboxCaveat(middleboxOf('aws-alb'))).toMatch(
      /^keepalive does not count at AWS Application Load Balancer, .*HTTP\/2 PING or a WebSocket ping, or raise its own timeout$/,
    );
  });
});
