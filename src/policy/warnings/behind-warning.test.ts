import { expect, it } from 'vitest';
import { judgeBehind } from '../plan/judge-behind.js';
import { behindWarning } from './behind-warning.js';

it.each<[string, string, string | undefined, RegExp]>([
  ['30:5:3', 'aws-nlb', undefined, /^$/],
  [
    '340:5:3',
    '350s',
    'idle-too-close',
    /after 350 s, and the first probe can go out after 3\d\d(\.\d)? s, because the timer is up to/,
  ],
  [
    '400:5:3',
    'aws-nlb',
    'idle-too-close',
    /the first probe can go out after 4\d\d(\.\d)? s; an idle time of 311 s is safe$/,
  ],
  ['30:5:3', 'aws-alb', 'keepalive-does-not-count', /terminates TCP.*HTTP\/2 PING/],
])('%s behind %s: %s', (policy, middlebox, code, message) => {
  const warning = behindWarning(judgeBehind(policy, middlebox));
  expect(warning?.code).toBe(code);
  expect(warning?.message ?? '').toMatch(message);
});
