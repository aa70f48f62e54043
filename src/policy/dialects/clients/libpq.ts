import { type Dialect, kernelsOwn, word } from '../dialect.js';
import { flag, milliseconds, probes, time } from '../units.js';

const special = { 0: 'unsaid' } as const;
/** Any number but 0 is on (fe-connect.c, useKeepalives). */
const onOff = {
  ...flag(['1'], ['0']),
  read: (text: string) => (/^[+-]?\d{1,9}$/.test(text) ? Number(text) !== 0 : undefined),
};
const seconds = time({ bareMs: 1000, special });

/** The parameters of a connection string, also in the form of a URI. */
export const libpq = (): Dialect => ({
  name: 'libpq',
  title: 'libpq and what is built on it (psql, psycopg, Ruby pg, PHP): PostgreSQL clients',
  place: 'the connection string, or the query of a postgresql:// URI with & between them',
  source: 'https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-KEEPALIVES',
  words: [
    word('keepalives', 'enabled', onOff),
    word('keepalives_idle', 'idle', seconds),
    word('keepalives_interval', 'interval', seconds),
    word('keepalives_count', 'count', probes(special)),
    word('tcp_user_timeout', 'userTimeout', milliseconds),
  ],
  comment: /^[ \t]*#.*/gm,
  unsaid: kernelsOwn,
  off: { text: 'keepalives=0\n' },
  notes: ['connections over a Unix socket ignore these parameters; tcp_user_timeout needs libpq 12'],
  write: ({ idle, interval, count, userTimeout }) => {
    const numbers = `keepalives=1 keepalives_idle=${idle} keepalives_interval=${interval} keepalives_count=${count}`;
    return `${numbers}${userTimeout === undefined ? '' : ` tcp_user_timeout=${userTimeout}`}\n`;
  },
});
