import { type Dialect, type Unsaid, word } from '../dialect.js';
import { flag } from '../units.js';

const byKernel: Unsaid = { why: 'pgjdbc only turns keepalive on', value: () => 'kernel' };

const onOff = flag(['true'], ['false'], { ignoresCase: true });

/** A switch: the numbers are those of the machine. */
export const pgjdbc = (): Dialect => ({
  name: 'pgjdbc',
  title: "PostgreSQL's JDBC driver",
  place: 'the properties of the connection, or the query of its URL: jdbc:postgresql://host/database?tcpKeepAlive=true',
  source: 'https://jdbc.postgresql.org/documentation/use/#connection-parameters',
  words: [
    word('tcpKeepAlive', 'enabled', onOff, { separator: String.raw`"?\s*[=:,]\s*` }),
    word('setTcpKeepAlive', 'enabled', onOff, { separator: String.raw`\s*\(\s*`, isReadOnly: true }),
  ],
  isCode: true,
  turnedOnBy: 'tcpKeepAlive=true',
  unsaid: { idle: byKernel, interval: byKernel, count: byKernel },
  noUserTimeout: 'pgjdbc has no word for it; socketTimeout limits how long it waits for each answer',
  off: { text: 'tcpKeepAlive=false\n' },
  notes: [
    'tcp-keepalive export --to sysctl has the numbers for the machine, --to kubernetes and --to docker for a container',
  ],
  write: () => 'tcpKeepAlive=true\n',
});
