import { expect, it } from 'vitest';
import { detectionTime } from '../model/detection-time.js';
import { parsePolicy } from '../parse.js';
import { policyWarnings } from './policy-warnings.js';

const codes = (text: string) => policyWarnings(parsePolicy(text)).map(({ code }) => code);

it.each<[string, string[]]>([
  ['30:5:3:auto', []],
  ['30:5:3', ['data-in-flight-governs']],
  ['5:2:3:4', ['user-timeout-below-idle', 'count-is-ignored']],
  ['30:5:3:34', ['user-timeout-allows-one-probe', 'count-is-ignored']],
  ['30:5:3:120', ['count-is-ignored']],
  ['30:5:1', ['count-1', 'data-in-flight-governs']],
  ['5:30:2:auto', ['interval-longer-than-idle']],
  ['7200:1:12:8086', ['user-timeout-delays-detection']],
  ['7200:1:12', ['data-in-flight-governs']],
  ['30000s:5000s:3:auto', ['user-timeout-delays-detection', 'milliseconds-meant']],
])('%s has the warnings %j', (text, expected) => {
  expect(codes(text)).toEqual(expected);
});

it('says why, and where it can be read', () => {
  const [warning] = policyWarnings(parsePolicy('5:2:3:4'));
  expect(warning).toEqual({
    code: 'user-timeout-below-idle',
    message:
      'the user timeout, 4 s, is not longer than idle, 5 s: one lost probe, or one lost answer, ends a connection whose peer is there',
    source: 'Linux net/ipv4/tcp_timer.c, tcp_keepalive_timer()',
  });
});

it('takes rtoMax and retries2 into account', () => {
  const [warning] = policyWarnings({ ...parsePolicy('30:5:3'), rtoMax: 1000 });
  expect(warning?.message).toMatch(/up to 1\d s/);
  const [fewer] = policyWarnings(parsePolicy('30:5:3'), 3);
  const { latestMs } = detectionTime('30:5:3', 'data-in-flight', { retries2: 3 });
  expect(fewer?.message).toContain(`up to ${Math.ceil(latestMs / 1000)} s`);
});

it('says what a long user timeout costs', () => {
  const [delays, ...others] = policyWarnings(parsePolicy('7200:1:12:8086'));
  expect(delays?.message).toMatch(/ noticed after up to 8961 s, without the user timeout after up to 1020 s: /);
  expect(others).toEqual([]);
});
