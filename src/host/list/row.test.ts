import { describe, expect, it } from 'vitest';
import { exampleConnection, exampleInfo, exampleRow, inState, off, on } from '../../../test/host/example-row.js';
import { createJudge } from '../../policy/model/verdict.js';
import { connectionRow, isOrphan, keepAliveByTimer, lastHeardMs, toJson, unitName } from './row.js';

const place = {
  path: '/system.slice/docker-1.scope',
  unit: 'docker-1.scope',
  container: { runtime: 'docker', id: '3f2a9c0d1e4b' },
};
const owners = [
  { pid: 7, name: 'nginx', fd: 4 },
  { pid: 9, name: 'nginx', fd: 4 },
];

describe('connectionRow', () => {
  it('names the first owner as the process, and keeps them all', () => {
    const row = connectionRow(exampleConnection(), { keepAlive: on, owners, place }, createJudge());
    expect(row).toMatchObject({
      process: { pid: 7, name: 'nginx' },
      owners,
      unit: 'docker-1.scope',
      container: 'docker:3f2a9c0d1e4b',
      cgroup: '/system.slice/docker-1.scope',
      verdict: 'protected',
    });
  });

  it.each(['ESTABLISHED', 'CLOSE_WAIT', 'FIN_WAIT1', 'FIN_WAIT2', 'LAST_ACK', 'CLOSING'] as const)(
    'judges %s',
    (state) => {
      expect(connectionRow(inState(state), { keepAlive: off, owners, place }, createJudge()).verdict).toBe(
        'unprotected',
      );
    },
  );

  it.each(['SYN_SENT', 'SYN_RECV', 'NEW_SYN_RECV', 'TIME_WAIT', 'CLOSE', 'UNKNOWN'] as const)(
    'does not judge %s',
    (state) => {
      expect(connectionRow(inState(state), { keepAlive: off, owners, place }, createJudge()).verdict).toBeNull();
    },
  );

  it('gives a listener the verdict of the connections that it will accept', () => {
    const listener = inState('LISTEN', { timer: null, sendQueue: 511 });
    const parts = { owners, place, retries2: 15 };
    expect(connectionRow(listener, { ...parts, keepAlive: on }, createJudge())).toMatchObject({ verdict: 'protected' });
    expect(connectionRow(listener, { ...parts, keepAlive: off }, createJudge()).verdict).toBe('unprotected');
    expect(connectionRow(listener, { ...parts, keepAlive: null }, createJudge()).verdict).toBeNull();
  });

  it('judges the state of now: data in flight without a user timeout is noticed by tcp_retries2 alone', () => {
    const sending = exampleConnection({ sendQueue: 247, timer: { kind: 'retransmission', expiresMs: 4700 } });
    const judged = (userTimeout: number, retries2: number | null) =>
      connectionRow(sending, { keepAlive: { ...on, userTimeout }, owners, place, retries2 }, createJudge());
    expect(judged(0, 15)).toMatchObject({ verdict: 'slow', detection: { quietMs: expect.any(Number) } });
    expect(judged(0, 15).detection?.inFlightMs).toBeGreaterThan(900_000);
    expect(judged(0, 3).verdict).toBe('protected');
    expect(judged(0, null)).toMatchObject({ verdict: null, detection: { inFlightMs: null } });
    expect(judged(20_000, null).verdict).toBe('protected');
  });

  it('takes back how often the retransmission timeout was doubled', () => {
    const detected = (rtoMs: number, backoff: number) =>
      connectionRow(
        exampleConnection({ sendQueue: 1, info: exampleInfo({ rtoMs, backoff }) }),
        { keepAlive: { ...on, userTimeout: 20_000 }, owners, place, retries2: 15 },
        createJudge(),
      ).detection;
    expect(detected(120_000, 12)).toEqual(detected(200, 0));
    expect(detected(1600, 2)).toEqual(detected(400, 0));
  });

  it('judges by the timers alone only what is off', () => {
    const told = (enabled: boolean) => ({ enabled, idle: null, interval: null, count: null, userTimeout: null });
    const row = (enabled: boolean) =>
      connectionRow(exampleConnection(), { keepAlive: told(enabled), owners: [], place, retries2: 15 }, createJudge());
    expect(row(false)).toMatchObject({ verdict: 'unprotected', detection: { inFlightMs: null } });
    expect(row(true)).toMatchObject({ verdict: null, detection: null });
    expect(toJson(row(false))).toMatchObject({
      keepAlive: told(false),
      detection: { quietMs: null, inFlightMs: null },
    });
  });

  it('does not judge what no program has open, nor what was not read', () => {
    const orphan = inState('FIN_WAIT2', { inode: 0 });
    expect(connectionRow(orphan, { keepAlive: off, owners: [], place }, createJudge())).toMatchObject({
      process: null,
      verdict: null,
    });
    expect(connectionRow(exampleConnection(), { keepAlive: null, owners, place }, createJudge()).verdict).toBeNull();
  });
});

describe('keepAliveByTimer', () => {
  const keepalive = { kind: 'keepalive', expiresMs: 12_000 } as const;
  const states = ['ESTABLISHED', 'CLOSE_WAIT', 'FIN_WAIT1', 'FIN_WAIT2', 'LAST_ACK', 'CLOSING'] as const;

  it.each(states)('tells in %s by the timer whether keepalive is on', (state) => {
    expect(keepAliveByTimer(inState(state, { timer: keepalive }))).toMatchObject({ enabled: true, idle: null });
    expect(keepAliveByTimer(inState(state, { timer: null }))).toMatchObject({ enabled: false, idle: null });
  });

  it.each(['retransmission', 'persist'] as const)('does not tell while the timer shown is that of %s', (kind) => {
    expect(keepAliveByTimer(exampleConnection({ timer: { kind, expiresMs: 1 } }))).toBeUndefined();
  });

  it('does not tell of a listener, of what is not connected, and of an orphan, whose timer is another one', () => {
    for (const state of ['LISTEN', 'SYN_SENT', 'SYN_RECV', 'CLOSE', 'TIME_WAIT'] as const) {
      expect(keepAliveByTimer(inState(state, { timer: null })), state).toBeUndefined();
    }
    expect(keepAliveByTimer(inState('FIN_WAIT2', { timer: keepalive, inode: 0 }))).toBeUndefined();
  });
});

describe('isOrphan', () => {
  it('is what a program has closed, and not what waits to be accepted', () => {
    for (const state of ['FIN_WAIT1', 'FIN_WAIT2', 'LAST_ACK', 'CLOSING', 'TIME_WAIT'] as const) {
      expect(isOrphan(inState(state, { inode: 0 })), state).toBe(true);
    }
    expect(isOrphan(inState('FIN_WAIT2'))).toBe(false);
    for (const state of ['ESTABLISHED', 'CLOSE_WAIT', 'SYN_RECV'] as const) {
      expect(isOrphan(inState(state, { inode: 0 })), state).toBe(false);
    }
  });
});

describe('lastHeardMs', () => {
  it('is the more recent of data and acknowledgement', () => {
    const heard = (lastDataReceivedMs: number, lastAckReceivedMs: number) =>
      lastHeardMs(exampleConnection({ info: exampleInfo({ lastDataReceivedMs, lastAckReceivedMs }) }));
    expect(heard(5, 9)).toBe(5);
    expect(heard(9, 5)).toBe(5);
  });

  it('is not known without a peer or without TCP_INFO', () => {
    expect(lastHeardMs(inState('LISTEN'))).toBeNull();
    expect(lastHeardMs(inState('SYN_SENT'))).toBeNull();
    expect(lastHeardMs(exampleConnection({ info: undefined }))).toBeNull();
  });
});

it('prefers the container to the unit, and shows units as people write them', () => {
  expect(unitName({ container: 'docker:1', unit: 'docker-1.scope' })).toBe('docker:1');
  expect(unitName({ container: null, unit: String.raw`a\x2db.service` })).toBe('a-b');
  expect(unitName({ container: null, unit: 'session-3.scope' })).toBe('session-3.scope');
});

describe('toJson', () => {
  it('has the fields of the contract, in its order, and no others', () => {
    expect(JSON.stringify(toJson(exampleRow()), null, 1)).toMatchInlineSnapshot(`
      "{
       "local": {
        "address": "10.0.0.5",
        "port": 5432
       },
       "remote": {
        "address": "10.0.7.21",
        "port": 49152
       },
       "state": "ESTABLISHED",
       "keepAlive": {
        "enabled": true,
        "idle": 30000,
        "interval": 5000,
        "count": 3,
        "userTimeout": 0
       },
       "timer": {
        "kind": "keepalive",
        "expiresMs": 12000
       },
       "unanswered": 0,
       "lastHeardMs": 18000,
       "process": {
        "pid": 812,
        "name": "postgres",
        "program": "postgres",
        "command": null
       },
       "unit": "postgresql.service",
       "cgroup": "/system.slice/postgresql.service",
       "netns": 4026531840,
       "verdict": "protected",
       "detection": {
        "quietMs": 50000,
        "inFlightMs": 1090000
       }
      }"
    `);
  });

  it('says null for what is not known', () => {
    const row = exampleRow({
      connection: inState('TIME_WAIT', { timer: null, info: undefined, inode: 0 }),
      keepAlive: null,
      process: null,
      owners: [],
      unit: null,
      cgroup: null,
      verdict: null,
      detection: null,
    });
    expect(toJson(row)).toEqual({
      local: { address: '10.0.0.5', port: 5432 },
      remote: { address: '10.0.7.21', port: 49_152 },
      state: 'TIME_WAIT',
      keepAlive: null,
      timer: null,
      unanswered: 0,
      lastHeardMs: null,
      process: null,
      unit: null,
      cgroup: null,
      netns: 4_026_531_840,
      verdict: null,
      detection: null,
    });
  });
});
