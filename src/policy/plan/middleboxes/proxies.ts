import type { Middlebox } from '../middlebox.js';
import { hour, minute, second } from './units.js';

/** Programs that terminate TCP on both sides: their kernel answers the probe, and their timeout counts data only. */
const terminates = { onExpiry: 'closes', keepAliveCounts: false } as const;

export const proxyMiddleboxes: readonly Middlebox[] = [
  {
    name: 'envoy',
    title: 'Envoy TCP proxy',
    timeoutMs: hour,
    settable: { by: 'idle_timeout' },
    ...terminates,
    sure: 'secondary',
    source: 'istio issue 43233',
  },
  {
    name: 'istio',
    title: 'Istio',
    timeoutMs: hour,
    settable: {},
    ...terminates,
    sure: 'secondary',
    source: 'istio issue 43233',
  },
  {
    name: 'nginx',
    title: 'nginx stream',
    timeoutMs: 10 * minute,
    settable: { by: 'proxy_timeout' },
    ...terminates,
    sure: 'secondary',
    source: 'hashicorp/boundary issue 3133',
  },
  {
    name: 'ingress-nginx',
    title: 'ingress-nginx, TCP services',
    timeoutMs: 10 * minute,
    settable: {},
    ...terminates,
    sure: 'secondary',
    source: 'hashicorp/boundary issue 3133',
  },
  {
    name: 'haproxy',
    title: 'HAProxy',
    timeoutMs: null,
    settable: { by: 'timeout client, timeout server' },
    ...terminates,
    sure: 'confirmed',
    source: 'HAProxy configuration manual, timeout client and timeout server',
    note: 'no default: without them an idle connection is never closed, and HAProxy warns at its start',
  },
  {
    name: 'traefik',
    title: 'Traefik, HTTP',
    timeoutMs: 180 * second,
    settable: {},
    ...terminates,
    sure: 'secondary',
    source: 'traefik pull request 1340',
  },
];
