import { type Dialect, kernelsOwn, lines, type WordForm, word } from '../dialect.js';
import { probes, time } from '../units.js';

const special = { 0: 'unsaid' } as const;
const seconds = time({ bareMs: 1000, special });

/** The server's variables, also with hyphens, as options have them. */
function words(separator: '_' | '-', flags: WordForm): Dialect['words'] {
  const name = (last: string) => ['tcp', 'keepalive', last].join(separator);
  return [
    word(name('time'), 'idle', seconds, flags),
    word(name('interval'), 'interval', seconds, flags),
    word(name('probes'), 'count', probes(special), flags),
  ];
}

/** MariaDB's server; MySQL's has no such variables. */
export const mysql = (): Dialect => ({
  name: 'mysql',
  title: 'MariaDB server, towards its clients',
  place: 'my.cnf, followed by a restart, or SET GLOBAL; new connections have it',
  source:
    'https://mariadb.com/docs/server/server-management/variables-and-modes/server-system-variables#tcp_keepalive_time, vio/viosocket.cc of Percona Server 8 (vio_keepalive)',
  unsure: ['whether MySQL 9 has such variables'],
  words: [...words('_', {}), ...words('-', { isReadOnly: true })],
  comment: /^[ \t]*[#;].*/gm,
  ignoresCase: true,
  isLastValid: true,
  unsaid: kernelsOwn,
  noUserTimeout: 'MariaDB has no word for it, but passes on what its listener has: tcp-keepalive set --state listen',
  off: { never: 'the server turns keepalive on for each connection' },
  notes: [
    'MySQL 8 turns keepalive on too, but has no such variables: there the numbers of the kernel apply. It does not read [mariadb]',
  ],
  write: ({ idle, interval, count }) =>
    lines(
      '[mariadb]',
      `tcp_keepalive_time = ${idle}`,
      `tcp_keepalive_interval = ${interval}`,
      `tcp_keepalive_probes = ${count}`,
    ),
});
