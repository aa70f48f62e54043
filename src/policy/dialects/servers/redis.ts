import { always, type Dialect, lines, word } from '../dialect.js';
import { time } from '../units.js';

/** The tcp-keepalive of a redis.conf without it (src/config.c). */
const ownIdleMs = 300_000;

/** One number: src/anet.c derives the interval from it and sets the count itself. */
export const redis = (): Dialect => ({
  name: 'redis',
  title: 'Redis and Valkey server, towards its clients',
  place: 'redis.conf, or CONFIG SET tcp-keepalive; new connections have it',
  source: 'https://github.com/redis/redis/blob/7.0/src/anet.c and src/anet.c of Valkey (anetKeepAlive)',
  words: [word('tcp-keepalive', 'idle', time({ bareMs: 1000, special: { 0: 'off' } }), { separator: '[ \\t]+' })],
  comment: /#.*/g,
  ignoresCase: true,
  isLastValid: true,
  unsaid: {
    idle: always(ownIdleMs, `Redis has ${ownIdleMs / 1000} s of its own`),
    interval: {
      why: 'Redis uses a third of tcp-keepalive',
      value: ({ idle = ownIdleMs }) => Math.max(1000, Math.floor(idle / 3000) * 1000),
    },
    count: always(3, 'Redis always sends 3 probes'),
  },
  noUserTimeout: 'Redis has no word for it, but passes on what its listener has: tcp-keepalive set --state listen',
  off: { text: 'tcp-keepalive 0\n' },
  notes: [],
  write: ({ idle }) => lines(`tcp-keepalive ${idle}`),
});
