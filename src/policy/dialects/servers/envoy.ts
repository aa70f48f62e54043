import { type Dialect, kernelsOwn, lines, word } from '../dialect.js';
import { flag, probes, seconds } from '../units.js';

/** In YAML, and in JSON with quotes around the name. */
const form = { separator: String.raw`["']?\s*:\s*` };

/** Without numbers `tcp_keepalive: {}` turns keepalive on. */
const empty = { value: String.raw`\{\}`, onlyBefore: String.raw`["']?\s*:\s*\{\}`, isReadOnly: true } as const;

/** config.core.v3.TcpKeepalive, three numbers of which each may be missing. */
export const envoy = (): Dialect => ({
  name: 'envoy',
  title: 'Envoy, towards upstream hosts',
  place:
    'a cluster; Istio has time: 30s, interval and probes in a DestinationRule, under trafficPolicy.connectionPool.tcp.tcpKeepalive',
  source:
    'https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/core/v3/address.proto (TcpKeepalive), https://www.envoyproxy.io/docs/envoy/latest/version_history/v1.37/v1.37.0, https://istio.io/latest/docs/reference/config/networking/destination-rule/',
  words: [
    word('keepalive_time', 'idle', seconds, form),
    word('keepalive_interval', 'interval', seconds, form),
    word('keepalive_probes', 'count', probes(), form),
    word('tcp_keepalive', 'enabled', flag(['{}'], []), { ...form, ...empty }),
  ],
  comment: /(?<!\S)#.*/g,
  unsaid: kernelsOwn,
  noUserTimeout: 'TcpKeepalive has no word for it; socket_options with level 6 and name 18 set it in milliseconds',
  off: { never: 'keepalive is off unless a cluster has tcp_keepalive: leave it out' },
  notes: [
    'towards clients a listener has tcp_keepalive with the same words since Envoy 1.37; before, it needs socket_options: level 1 name 9, and level 6 names 4, 5 and 6',
  ],
  write: ({ idle, interval, count }) =>
    lines(
      'upstream_connection_options:',
      '  tcp_keepalive:',
      `    keepalive_time: ${idle}`,
      `    keepalive_interval: ${interval}`,
      `    keepalive_probes: ${count}`,
    ),
});
