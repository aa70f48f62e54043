import { describe, expect, it } from 'vitest';
import { exampleConnection, exampleRow, inState, off, on } from '../../../test/host/example-row.js';
import { endpointText } from '../../wire/endpoint.js';
import { ageTone, inFlightText, keepAliveText, remoteText, stateText, verdictText } from './cells.js';

it.each([
  [on, '30:5:3'],
  [{ ...on, userTimeout: null } as never, '30:5:3'],
  [{ ...on, userTimeout: 45_000 }, '30:5:3:auto'],
  [{ ...on, userTimeout: 60_000 }, '30:5:3:60'],
  [{ ...on, userTimeout: 1500 }, '30:5:3:1500ms'],
  [{ ...on, rtoMax: 2500 }, '30:5:3 rto-max 2500ms'],
  [{ ...on, userTimeout: 45_000, rtoMax: 9000 }, '30:5:3:auto rto-max 9'],
  // A sysctl can hold what a socket option refuses.
  [{ ...on, idle: 86_400_000 }, '86400:5:3'],
  [off, 'off'],
  [{ enabled: false, idle: null, interval: null, count: null, userTimeout: null }, 'off'],
  [{ enabled: true, idle: null, interval: null, count: null, userTimeout: null }, 'on'],
  [null, '?'],
])('keepalive %j is %s', (state, text) => {
  expect(keepAliveText(state)).toBe(text);
});

it.each([
  ['ESTABLISHED', 1, '?'],
  ['LISTEN', 1, '?'],
  ['ESTABLISHED', 0, '-'],
  ['FIN_WAIT2', 0, '-'],
  ['TIME_WAIT', 0, '-'],
] as const)('a verdict that %s with inode %d does not have is %s', (state, inode, text) => {
  expect(verdictText(exampleRow({ connection: inState(state, { inode }), verdict: null }))).toBe(text);
});

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [18_399, '18.3 kB'],
  [999_999, '999.9 kB'],
  [2_500_000, '2.5 MB'],
])('%d bytes in flight are %s', (sendQueue, text) => {
  expect(inFlightText(exampleRow({ connection: exampleConnection({ sendQueue }) }))).toBe(text);
});

describe('a listener', () => {
  const row = exampleRow({ connection: inState('LISTEN', { sendQueue: 511 }) });

  it('has no peer and nothing in flight', () => {
    expect(remoteText(row)).toBe('-');
    expect(inFlightText(row)).toBe('-');
  });
});

it('brackets IPv6 addresses', () => {
  expect(endpointText({ address: '::1', port: 80 })).toBe('[::1]:80');
  expect(endpointText({ address: '10.0.0.1', port: 80 })).toBe('10.0.0.1:80');
});

it('names states as ss does', () => {
  expect(stateText('CLOSE_WAIT')).toBe('CLOSE-WAIT');
  expect(stateText('FIN_WAIT1')).toBe('FIN-WAIT-1');
});

it.each([
  [0, on, undefined],
  [1, on, 'warning'],
  [2, on, 'bad'],
  [1, { ...on, count: 2 }, 'bad'],
  [4, off, 'warning'],
  [5, off, 'bad'],
  [4, null, 'warning'],
] as const)('%d unanswered probes of %j are %s', (unanswered, keepAlive, tone) => {
  expect(ageTone(exampleRow({ connection: exampleConnection({ unanswered }), keepAlive }))).toBe(tone);
});

it.each([
  [7, 'warning'],
  [8, 'bad'],
] as const)('%d unanswered retransmissions are %s', (unanswered, tone) => {
  const timer = { kind: 'retransmission', expiresMs: 1000 } as const;
  expect(ageTone(exampleRow({ connection: exampleConnection({ unanswered, timer }), keepAlive: on }))).toBe(tone);
});
