import { describe, expect, it } from 'vitest';
import { exampleConnection, exampleInfo, exampleRow, inState, off, on } from '../../test/host/example-row.js';
import { createJudge } from '../policy/verdict.js';
import { connectionRow, lastHeardMs, toJson } from './row.js';

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

  it.each(['LISTEN', 'SYN_SENT', 'SYN_RECV', 'NEW_SYN_RECV', 'TIME_WAIT', 'CLOSE', 'UNKNOWN'] as const)(
    'does not judge %s',
    (state) => {
      expect(connectionRow(inState(state), { keepAlive: off, owners, place }, createJudge()).verdict).toBeNull();
    },
  );

  it('does not judge what no program has open, nor what was not read', () => {
    const orphan = inState('FIN_WAIT2', { inode: 0 });
    expect(connectionRow(orphan, { keepAlive: off, owners: [], place }, createJudge())).toMatchObject({
      process: null,
      verdict: null,
    });
    expect(connectionRow(exampleConnection(), { keepAlive: null, owners, place }, createJudge()).verdict).toBeNull();
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
        "name": "postgres"
       },
       "unit": "postgresql.service",
       "cgroup": "/system.slice/postgresql.service",
       "netns": 4026531840,
       "verdict": "protected"
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
    });
  });
});
