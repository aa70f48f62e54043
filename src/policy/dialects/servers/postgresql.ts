import { type Dialect, kernelsOwn, line, lines, word } from '../dialect.js';
import { probes, time } from '../units.js';

const suffixes = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };
const special = { 0: 'unsaid' } as const;
const seconds = time({ bareMs: 1000, suffixes, special });
const milliseconds = time({ bareMs: 1, suffixes });
/** `tcp_keepalives_idle = 30`, `tcp_keepalives_idle TO '30s'`. */
const form = {
  separator: String.raw`(?:[ \t]*=[ \t]*|[ \t]+(?:[Tt][Oo][ \t]+)?)`,
  value: String.raw`[^\s'#;]+(?: ?(?:ms|s|min|h|d)\b)?`,
};

/** `postgres --tcp-keepalives-idle=30` */
const asOption = { ...form, isReadOnly: true } as const;

/** The settings of the server for the connections of its clients. */
export const postgresql = (): Dialect => ({
  name: 'postgresql',
  title: 'PostgreSQL server, towards its clients',
  place: 'postgresql.conf, followed by pg_reload_conf(); new connections have it',
  source: 'https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-TCP-KEEPALIVES-IDLE',
  words: [
    word('tcp_keepalives_idle', 'idle', seconds, form),
    word('tcp_keepalives_interval', 'interval', seconds, form),
    word('tcp_keepalives_count', 'count', probes(special), form),
    word('tcp_user_timeout', 'userTimeout', milliseconds, form),
    word('tcp-keepalives-idle', 'idle', seconds, asOption),
    word('tcp-keepalives-interval', 'interval', seconds, asOption),
    word('tcp-keepalives-count', 'count', probes(special), asOption),
    word('tcp-user-timeout', 'userTimeout', milliseconds, asOption),
  ],
  comment: /#.*|--[ \t].*|\/\*[\s\S]*?(?:\*\/|(?![\s\S]))/g,
  ignoresCase: true,
  isLastValid: true,
  unsaid: kernelsOwn,
  off: { never: 'it turns keepalive on for each connection' },
  notes: ['connections over a Unix socket ignore these settings; tcp_user_timeout needs PostgreSQL 12'],
  write: ({ idle, interval, count, userTimeout }) =>
    lines(
      `tcp_keepalives_idle = ${idle}`,
      `tcp_keepalives_interval = ${interval}`,
      `tcp_keepalives_count = ${count}`,
      line(userTimeout, (text) => `tcp_user_timeout = ${text}`),
    ),
});
