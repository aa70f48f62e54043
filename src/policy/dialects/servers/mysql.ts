import { type Dialect, kernelsOwn, lines, type WordForm, word } from '../dialect.js';
import { probes, time } from '../units.js';

const special = { 0: 'unsaid' } as const;
const seconds = time({ bareMs: 1000, special });
const form = { separator: String.raw`\s*=\s*` };

/** The server's variables, also with hyphens, as options have them. */
function words(separator: '_' | '-', flags: WordForm): Dialect['words'] {
  const name = (last: string) => ['tcp', 'keepalive', last].join(separator);
  return [
    word(name('time'), 'idle', seconds, { ...form, ...flags }),
    word(name('interval'), 'interval', seconds, { ...form, ...flags }),
    word(name('probes'), 'count', probes(special), { ...form, ...flags }),
  ];
}

/** MariaDB's server; MySQL's has no such variables. */
export const mysql = (): Dialect => ({
  name: 'mysql',
  title: 'MariaDB server, towards its clients',
  place: 'my.cnf, followed by a restart, or SET GLOBAL; new connections have it',
  source:
    'https://mariadb.com/docs/server/server-management/variables-and-modes/server-system-variables#tcp_keepalive_time',
  words: [...words('_', {}), ...words('-', { isReadOnly: true })],
  comment: /^[ \t]*[#;].*/gm,
  isLastValid: true,
  unsaid: kernelsOwn,
  noUserTimeout: 'MariaDB has no word for it, but passes on what its listener has: tcp-keepalive set --state listen',
  off: { never: 'the server turns keepalive on for each connection' },
  notes: [
    'MySQL turns keepalive on too, but has no such variables: there the numbers of the kernel apply. It does not read [mariadb]',
  ],
  write: ({ idle, interval, count }) =>
    lines(
      '[mariadb]',
      `tcp_keepalive_time = ${idle}`,
      `tcp_keepalive_interval = ${interval}`,
      `tcp_keepalive_probes = ${count}`,
    ),
});
