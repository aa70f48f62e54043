import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { detectionTime, kernelDefaults } from '../../src/index.js';
import { expectElapsed } from '../kernel/expectation.js';
import { timerRange } from '../kernel/observation.js';
import { ownNetwork, runProgram } from '../program.js';
import { cannotRun } from '../requirement.js';
import type { ChangedDefaultsResult } from './changed-defaults.js';

const linuxDefaults = { idle: 7_200_000, interval: 75_000, count: 9 };
const changedDefaults = { idle: 1000, interval: 1000, count: 2 };
const on = { enabled: true, userTimeout: 0 };

const network = ownNetwork();

function sysctl(name: string): number {
  return Number(readFileSync(`/proc/sys/net/ipv4/${name}`, 'utf8'));
}

describe("article 7: the kernel's defaults", () => {
  it('are read as they are on this machine', () => {
    expect(kernelDefaults()).toEqual({
      idle: sysctl('tcp_keepalive_time') * 1000,
      interval: sysctl('tcp_keepalive_intvl') * 1000,
      count: sysctl('tcp_keepalive_probes'),
    });
  });
});

const skip = cannotRun(network === undefined, 'it needs a network namespace of its own (unshare --net) and ip(8)');

describe.skipIf(skip)('article 7: changing the sysctls takes effect without restarting the program', () => {
  let result: ChangedDefaultsResult;

  beforeAll(async () => {
    result = await runProgram<ChangedDefaultsResult>(new URL('./changed-defaults.ts', import.meta.url), [], network);
  });

  it('the defaults are 7200 s, 75 s and 9 until they are changed', () => {
    expect(result.defaultsBefore).toEqual(linuxDefaults);
    expect(result.defaultsAfter).toEqual(changedDefaults);
  });

  it('a connection without values of its own reports the new ones at once', () => {
    expect(result.before.state).toEqual({ ...on, ...linuxDefaults });
    expect(result.after.state).toEqual({ ...on, ...changedDefaults });
  });

  it('a connection with values of its own keeps them', () => {
    expect(result.own).toEqual({ ...on, idle: 40_000, interval: 6000, count: 4 });
  });

  it('a connection that is made later has the new ones', () => {
    expect(result.later).toEqual({ ...on, ...changedDefaults });
  });

  it('a timer that is armed is not armed anew: it still has 2 hours to go', () => {
    expect(result.probesWhileArmed).toBe(0);
    for (const { row } of [result.before, result.after, result.whileArmed]) {
      expect(row.timer).toBe('keepalive');
      expect(row.expiresMs).toBeGreaterThan(linuxDefaults.idle - 30_000);
    }
  });

  it('switching keepalive off and on arms it with the new ones: the first probe', () => {
    expect(result.rearmed.row.timer).toBe('keepalive');
    expect(result.rearmed.row.expiresMs).toBeLessThanOrEqual(timerRange(changedDefaults.idle).latestMs);
    expectElapsed(result.switchedOn, result.firstProbe, timerRange(changedDefaults.idle));
  });

  it('and the peer that crashes after that is found by them', () => {
    expect(result.code).toBe('ETIMEDOUT');
    expectElapsed(result.heard, result.died, detectionTime(changedDefaults));
  });
});
