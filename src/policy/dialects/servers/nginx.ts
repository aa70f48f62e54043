import { type Dialect, kernelsOwn, lines } from '../dialect.js';
import { flag, probes, time } from '../units.js';

const special = { 0: 'unsaid' } as const;
const suffixes = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const seconds = time({ bareMs: 1000, suffixes, special });
const part = String.raw`[^:;\s"']*`;
const end = String.raw`(?=[\s;"']|$)`;

/** `listen ... so_keepalive=[keepidle]:[keepintvl]:[keepcnt]`, of which each part may be empty. */
export const nginx = (): Dialect => ({
  name: 'nginx',
  title: 'nginx, towards its clients',
  place: 'the listen directive of each address and port, once: nginx refuses it in a second server of the same address',
  source: 'https://nginx.org/en/docs/http/ngx_http_core_module.html#listen',
  words: [
    {
      word: 'so_keepalive',
      says: { enabled: flag(['on'], ['off']), idle: seconds, interval: seconds, count: probes(special) },
      value: new RegExp(
        `=(?!0*:0*:0*${end})(?:(?<enabled>on|off)|(?<idle>${part}):(?<interval>${part}):(?<count>${part}))${end}`,
        'y',
      ),
      allowed: '=on, =off or =idle:interval:count',
    },
  ],
  comment: /(?<![^\s;{}])#.*/g,
  unsaid: kernelsOwn,
  noUserTimeout:
    'nginx has no word for it, and without it data in flight to a vanished client is retransmitted for about 15 min',
  off: { text: 'listen 80 so_keepalive=off;\n' },
  notes: ['towards upstream servers nginx has only proxy_socket_keepalive on, with the numbers of the kernel'],
  write: ({ idle, interval, count }) => lines(`listen 80 so_keepalive=${idle}:${interval}:${count};`),
});
