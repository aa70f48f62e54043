import { describe, expect, it } from 'vitest';
import { type ProbedConnection, probeDecision } from './probe-safety.js';

const quiet: ProbedConnection = {
  enabled: true,
  idle: 30_000,
  interval: 5000,
  count: 3,
  userTimeout: 0,
  unanswered: 0,
  silentMs: 2000,
};
type Given = { readonly [Field in keyof ProbedConnection]?: ProbedConnection[Field] | undefined };
const refused = (why: RegExp) => ({
  why: expect.stringMatching(why),
  remedy: expect.stringMatching(/`tcp-keepalive check` as root/),
});

describe('probeDecision', () => {
  it.each<[string, Given]>([
    ['three probes to spare', {}],
    ['two probes, the own one far off', { count: 2 }],
    ['its own probing has begun, but leaves enough', { silentMs: 31_000, unanswered: 1, count: 9 }],
    ['a user timeout beyond the latest tick of idle', { userTimeout: 45_000 }],
  ])('allows a probe: %s', (_, given) => {
    expect(probeDecision({ ...quiet, ...given } as ProbedConnection)).toBe('probe');
  });

  it('waits for the own probe of a connection whose idle time is 1 s', () => {
    expect(probeDecision({ ...quiet, idle: 1000 })).toBe('wait');
  });

  it.each<[string, Given, RegExp]>([
    ['keepalive off', { enabled: false }, /off/],
    ['a count of 1', { count: 1 }, /0 of 1 probes/],
    ['a sysctl count of 0', { count: 0 }, /0 of 0 probes/],
    ['one unanswered of two', { count: 2, unanswered: 1 }, /1 of 2 probes/],
    ['restoring an idle time that has passed', { silentMs: 31_000, unanswered: 1, count: 4 }, /1 of 4 probes/],
    ['the own probe within the same outage', { silentMs: 27_000, count: 2 }, /0 of 2 probes/],
    ['several own probes within the same outage', { silentMs: 27_000, interval: 1000 }, /0 of 3 probes/],
    ['own probes that may be close together', { silentMs: 27_000, interval: undefined }, /0 of 3 probes/],
    ['a user timeout below idle', { userTimeout: 2000 }, /user timeout/],
    ['a user timeout at idle', { userTimeout: 30_000 }, /user timeout/],
    ['a user timeout that a late tick passes', { userTimeout: 31_000 }, /user timeout/],
    ['a user timeout and a probe unanswered', { userTimeout: 45_000, unanswered: 1, count: 9 }, /user timeout/],
    ['a user timeout below the silence so far', { userTimeout: 45_000, silentMs: 60_000, count: 9 }, /user timeout/],
    ['an idle time of a sysctl beyond the limits', { idle: 32_768_000 }, /sysctl/],
    ['an idle time of 0 from a sysctl', { idle: 0 }, /sysctl/],
  ])('refuses: %s', (_, given, why) => {
    expect(probeDecision({ ...quiet, ...given } as ProbedConnection)).toEqual(refused(why));
  });
});
