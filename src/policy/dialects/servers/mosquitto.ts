import { type Dialect, line, lines, type Unsaid, word } from '../dialect.js';
import { milliseconds, probes, seconds } from '../units.js';

const part = (field: string) => `[ \\t]+(?<${field}>[^\\s#]+)`;

const none: Unsaid = { why: 'without bridge_tcp_keepalive a bridge has none', value: () => 'off' };

/** The options of a bridge, which is a client of another broker. Listeners have none. */
export const mosquitto = (): Dialect => ({
  name: 'mosquitto',
  title: 'mosquitto 2.1, from a bridge to the other broker',
  place: 'mosquitto.conf, after the connection line of a bridge',
  source: 'https://mosquitto.org/man/mosquitto-conf-5.html (bridge_tcp_keepalive), src/conf.c of 2.0.22 and 2.1.0',
  words: [
    {
      word: 'bridge_tcp_keepalive',
      says: { idle: seconds, interval: seconds, count: probes() },
      value: new RegExp(`${part('idle')}${part('interval')}${part('count')}`, 'y'),
      allowed: 'idle, interval and count, such as 30 5 3',
    },
    word('bridge_tcp_user_timeout', 'userTimeout', milliseconds, { separator: '[ \\t]+' }),
  ],
  comment: /^[ \t]*#.*/gm,
  unsaid: { idle: none, interval: none, count: none },
  off: { never: 'a bridge has none unless bridge_tcp_keepalive says so: leave the line out' },
  notes: [
    'towards clients mosquitto has no word for it: tcp-keepalive set --state listen gives it to the listener',
    'max_keepalive and keepalive_interval are pings of MQTT; mosquitto 2.0 does not know the words above',
  ],
  write: ({ idle, interval, count, userTimeout }) =>
    lines(
      `bridge_tcp_keepalive ${idle} ${interval} ${count}`,
      line(userTimeout, (text) => `bridge_tcp_user_timeout ${text}`),
    ),
});
