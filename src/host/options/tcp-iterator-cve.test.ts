import { expect, it } from 'vitest';
import { tcpIteratorCve } from './tcp-iterator-cve.js';

const smp = '#1 SMP PREEMPT_DYNAMIC';

it.each([
  ['6.1.183', smp],
  ['6.1.200-custom', smp],
  ['6.12.104+deb13-amd64', `${smp} Debian 6.12.104-1 (2026-09-01)`],
  ['6.1.0-50-amd64', `${smp} Debian 6.1.183-1 (2026-09-01)`],
  ['6.18.45', smp],
  ['7.1.9', smp],
  ['7.2.0-rc1', smp],
  ['8.0.1', smp],
])('runs the iterator on %s %s', (release, version) => {
  expect(tcpIteratorCve({ release, version })).toBeUndefined();
});

it.each([
  ['6.1.182', smp, '6.1.182'],
  ['6.1.0-49-amd64', `${smp} Debian 6.1.180-1 (2026-08-01)`, '6.1.180'],
  ['6.8.0-90-generic', smp, '6.8.0'],
  ['5.14.0-611.el9.x86_64', smp, '5.14.0'],
  ['6.18.44', smp, '6.18.44'],
  ['6.19.9', smp, '6.19.9'],
  ['7.0.12', smp, '7.0.12'],
  ['7.1.8', smp, '7.1.8'],
  ['unheard-of', smp, 'unheard-of'],
])('does not run it unasked on %s %s', (release, version, named) => {
  expect(tcpIteratorCve({ release, version })).toContain(`Linux ${named} is not known to be free of CVE-2026-74714`);
});
