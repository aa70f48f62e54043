import type { Middlebox } from '../middlebox.js';
import { minute, second } from './units.js';

/** Timeouts from studies and a standard, for paths with an unknown device. */
export const unknownMiddleboxes: readonly Middlebox[] = [
  {
    name: 'rfc5382',
    title: 'a NAT that conforms to RFC 5382',
    timeoutMs: 7440 * second,
    settable: null,
    onExpiry: 'unknown',
    keepAliveCounts: true,
    sure: 'confirmed',
    source: 'RFC 5382, section 5, REQ-5',
    note: 'the least that is allowed',
  },
  {
    name: 'home-gateway',
    title: 'home gateways',
    timeoutMs: 4 * minute,
    settable: null,
    onExpiry: 'silent',
    keepAliveCounts: true,
    sure: 'secondary',
    source: 'Hätönen et al., IMC 2010, 34 devices',
    date: '2010',
    note: 'about the shortest that was measured; the median is about 60 min',
  },
  {
    name: 'mobile-carrier',
    title: 'mobile carriers',
    timeoutMs: null,
    settable: null,
    onExpiry: 'silent',
    keepAliveCounts: true,
    sure: 'secondary',
    source: 'Wang et al., SIGCOMM 2011, over 100 carriers',
    date: '2011',
    note: 'most over 30 min, a few under 5 min',
  },
];
