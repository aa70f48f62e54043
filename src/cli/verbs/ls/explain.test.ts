import { describe, expect, it } from 'vitest';
import { exampleConnection, exampleRow, inState, off, on } from '../../../../test/host/example-row.js';
import { connectionRow, type RowParts } from '../../../host/list/row.js';
import { detectionTime } from '../../../policy/model/detection-time.js';
import { createJudge } from '../../../policy/model/verdict.js';
import { humanDuration, longestDuration } from '../../text/duration.js';
import { explainRow, renderExplanations } from './explain.js';

const place = { path: null, unit: null, container: null };
const judged = (keepAlive: RowParts['keepAlive'], connection = exampleConnection()) =>
  connectionRow(connection, { keepAlive, owners: [], place, retries2: 15 }, createJudge());

const retransmitting = exampleConnection({ sendQueue: 9, timer: { kind: 'retransmission', expiresMs: 1 } });
const listener = inState('LISTEN', { timer: null });

describe('explainRow', () => {
  it.each(['7200:75:9', '30:5:3', '30:5:3:auto', '20:5:9:10'])('says the times of the model for %s', (policy) => {
    const [idle = 0, interval = 0, count = 0, timeout = '0'] = policy.split(':') as [never, never, never, string?];
    const userTimeout = timeout === 'auto' ? 45_000 : Number(timeout) * 1000;
    const row = judged({ ...on, idle: idle * 1000, interval: interval * 1000, count: Number(count), userTimeout });
    const { earliestMs, latestMs } = detectionTime(policy);
    const quiet = `after ${humanDuration(earliestMs)}, at the latest ${longestDuration(latestMs)}`;
    const inFlight = longestDuration(row.detection?.inFlightMs ?? 0);
    expect(explainRow(row)).toBe(
      `a quiet peer that vanishes is noticed ${quiet}; with data in flight within ${inFlight}`,
    );
  });

  it.each([
    [judged(off), /^a peer that vanishes is never noticed until the program writes, then within \d+ min \d+ s$/],
    [judged(on, retransmitting), /^data is in flight, and keepalive waits for it; .* noticed within \d+ min/],
    [
      judged(on, exampleConnection({ sendQueue: 9, timer: { kind: 'persist', expiresMs: 1 } })),
      /^its peer does not read; if the peer vanishes, that is noticed within \d+ min/,
    ],
    [
      judged(off, inState('FIN_WAIT2', { timer: null })),
      /^a peer that vanishes is never noticed: the program can write no more$/,
    ],
    [judged(on, inState('FIN_WAIT2', {})), /^a quiet peer that vanishes is noticed after 45 s, at the latest 48 s$/],
    [judged({ enabled: true, idle: null, interval: null, count: null, userTimeout: null }), /the numbers are not$/],
    [exampleRow({ keepAlive: null, verdict: null, detection: null, unreachable: 'why' }), /^not known: why$/],
    [judged(null, inState('TIME_WAIT', { inode: 0 })), /^keepalive does not decide: its program has closed it/],
    [judged(null, inState('ESTABLISHED', { inode: 0 })), /^keepalive does not decide: it waits to be accepted$/],
    [judged(null, inState('SYN_SENT', {})), /^keepalive does not decide: it is not open$/],
  ])('%#: says the rest in words', (row, text) => expect(explainRow(row)).toMatch(text));
});

describe('renderExplanations', () => {
  it('has a line for each policy, verdict and activity, with the number of its sockets', () => {
    const rows = [judged(off), judged(on), judged(on, retransmitting), judged(off), judged(off, listener)];
    const text = renderExplanations(rows, 60_000, Number.POSITIVE_INFINITY).split('\n');
    expect(text.map((line) => line.slice(0, line.indexOf(':', line.indexOf(')'))))).toEqual([
      'off, unprotected (2 connections and 1 listener)',
      '30:5:3, protected (1 connection)',
      '30:5:3, slow (1 connection)',
    ]);
    expect(text[2]).toMatch(/; the limit is 1 min$/);
  });

  it('says the longest of several times, and ends no line between a number and its unit', () => {
    const slow = exampleConnection({ info: { ...exampleConnection().info, rtoMs: 90_000 } as never });
    const text = renderExplanations([judged(off), judged(off, slow), judged(off)], 60_000, 60);
    const minutes = Math.ceil((judged(off, slow).detection?.inFlightMs ?? 0) / 60_000);
    expect(Number(/within (\d+) min/.exec(text.replaceAll('\n ', ''))?.[1])).toBeGreaterThanOrEqual(minutes - 1);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(text).not.toMatch(/\d\n/);
  });
});
