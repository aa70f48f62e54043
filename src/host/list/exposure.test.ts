import { describe, expect, it } from 'vitest';
import { exampleConnection, exampleInfo, exampleRow, inState, off, on } from '../../../test/host/example-row.js';
import { detectionTime } from '../../policy/model/detection-time.js';
import { createJudge } from '../../policy/model/verdict.js';
import { countVerdicts, groupRows } from './groups.js';
import { sortRows } from './order.js';
import { connectionRow, type RowParts, toJson } from './row.js';

const place = { path: null, unit: null, container: null };
const timeoutMs = 350_000;
const late = { ...on, idle: 345_000 };
const firstProbeMs = detectionTime('345:5:3', 'rebooted').latestMs;

/** A row behind a middlebox; the peer was last heard 18 s ago. */
const behind = (keepAlive: RowParts['keepAlive'], connection = exampleConnection(), behindMs = timeoutMs) =>
  connectionRow(connection, { keepAlive, owners: [], place, retries2: 15, behindMs }, createJudge(60_000, behindMs));

describe('connectionRow behind a middlebox', () => {
  it('says until when the middlebox knows the connection, if the probe can be too late', () => {
    expect(behind(late)).toMatchObject({
      verdict: 'exposed',
      behind: { timeoutMs, firstProbeMs, dropInMs: 332_000 },
    });
    expect(behind(off)).toMatchObject({
      verdict: 'unprotected',
      behind: { timeoutMs, firstProbeMs: Number.POSITIVE_INFINITY, dropInMs: 332_000 },
    });
  });

  it('says since when the middlebox has forgotten it', () => {
    const info = exampleInfo({ lastDataReceivedMs: 400_000, lastAckReceivedMs: 362_000 });
    expect(behind(late, exampleConnection({ info })).behind?.dropInMs).toBe(-12_000);
  });

  const told = (enabled: boolean) => ({ enabled, idle: null, interval: null, count: null, userTimeout: null });
  it.each([
    ['probes come in time', on, exampleConnection(), 'protected'],
    ['a listener', late, inState('LISTEN', { timer: null, sendQueue: 511 }), 'exposed'],
    ['data in flight, which are sent again', late, exampleConnection({ sendQueue: 9 }), 'exposed'],
    ['a probe that may have come in time', { ...on, idle: 340_000 }, exampleConnection({ unanswered: 1 }), 'exposed'],
    ['nothing read', null, exampleConnection(), null],
    ['numbers that are not known', told(true), exampleConnection(), null],
    ['no program', late, inState('FIN_WAIT2', { inode: 0 }), null],
    ['nothing heard yet', late, inState('SYN_SENT', {}), null],
  ] as const)('has no such time: %s', (_, keepAlive, connection, verdict) => {
    expect(behind(keepAlive, connection)).toMatchObject({ verdict, behind: { timeoutMs, dropInMs: null } });
  });

  it('has one after probes that were all too late, and from the timers alone if keepalive is off', () => {
    const asked = exampleConnection({ unanswered: 2 });
    expect(behind({ ...on, idle: 350_000 }, asked).behind?.dropInMs).toBe(332_000);
    expect(behind(told(false))).toMatchObject({ verdict: 'unprotected', behind: { dropInMs: 332_000 } });
  });

  it('is exposed without known numbers if the timer of the first probe fires too late', () => {
    const firing = (expiresMs: number, fields = {}) =>
      behind(told(true), exampleConnection({ timer: { kind: 'keepalive', expiresMs }, ...fields }));
    expect(firing(332_000)).toMatchObject({ verdict: 'exposed', behind: { firstProbeMs: null, dropInMs: 332_000 } });
    expect(firing(331_999)).toMatchObject({ verdict: null, behind: { dropInMs: null } });
    expect(firing(400_000, { unanswered: 1 }).verdict).toBeNull();
    expect(firing(400_000, { sendQueue: 1, timer: { kind: 'retransmission', expiresMs: 400_000 } }).verdict).toBeNull();
  });

  it('has no infinite number in its JSON', () => {
    expect(toJson(behind(late)).behind).toEqual({ timeoutMs, firstProbeMs, dropInMs: 332_000 });
    expect(toJson(behind(off)).behind).toEqual({ timeoutMs, firstProbeMs: null, dropInMs: 332_000 });
  });

  it('is as it was without one', () => {
    const row = connectionRow(exampleConnection(), { keepAlive: late, owners: [], place }, createJudge());
    expect(row.verdict).toBe('slow');
    expect(Object.keys(row)).not.toContain('behind');
    expect(Object.keys(toJson(row))).not.toContain('behind');
  });
});

describe('a list behind a middlebox', () => {
  const slow = { ...on, idle: 100_000 };
  const rows = [slow, on, late, off].map((keepAlive) => behind(keepAlive));

  it('counts exposed connections between unprotected and slow ones', () => {
    const counts = { connections: 4, unprotected: 1, exposed: 1, slow: 1, protected: 1, unknown: 0, other: 0 };
    expect(countVerdicts(rows)).toEqual(counts);
    const [group] = groupRows(rows, 'netns');
    expect(group).toEqual({ name: String(exampleConnection().netns), ...counts });
    expect(Object.keys(group ?? {})).toEqual(['name', ...Object.keys(counts)]);
    expect(countVerdicts([exampleRow()])).not.toHaveProperty('exposed');
  });

  it('has the group with more exposed connections first', () => {
    const from = (address: string, keepAlive: RowParts['keepAlive']) =>
      behind(keepAlive, exampleConnection({ remote: { address, port: 1 } }));
    const groups = groupRows([from('1.1.1.1', slow), from('1.1.1.1', slow), from('2.2.2.2', late)], 'remote');
    expect(groups.map(({ name, exposed }) => [name, exposed])).toEqual([
      ['2.2.2.2', 1],
      ['1.1.1.1', 0],
    ]);
  });

  it.each(['verdict', 'urgency'] as const)('sorts exposed rows between unprotected and slow ones by %s', (key) => {
    const verdicts = sortRows(rows, { key, isReversed: false }).map(({ verdict }) => verdict);
    expect(verdicts).toEqual(['unprotected', 'exposed', 'slow', 'protected']);
  });
});
