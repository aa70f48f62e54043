import { type Dialect, kernelsOwn, line, lines, type Word, word } from '../dialect.js';
import { flag, probes, time, type Unit } from '../units.js';

const suffixes = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Without a unit `clitcpka-idle` is in seconds, `tcp-ut` in milliseconds (HAProxy's configuration.txt). */
const duration = time({ bareMs: 1000, suffixes, write: (ms) => `${ms / 1000}s` });
const delay = time({ bareMs: 1, suffixes, write: (ms) => (ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`) });
const afterSpace = { separator: '[ \\t]+', value: '[^\\s#]+' };

/** The words before the name. */
const option: Unit = {
  ...flag(['option'], ['no option']),
  read: (text) => !text.startsWith('no'),
};

/** Returns the word after `option`, which turns keepalive on, or after `no option`, which turns it off. */
const optionWord = (name: string): Word => ({
  word: name,
  says: { enabled: option },
  value: new RegExp(`(?<=(?<enabled>no[ \\t]+option|option)[ \\t]+${name})(?![\\w-])`, 'y'),
  allowed: 'nothing, and preceded by option or no option',
});

/** The client's side in a frontend, the server's side in a backend. */
export const haproxy = (): Dialect => ({
  name: 'haproxy',
  title: 'HAProxy, towards clients and servers',
  place: 'the frontends and backends of haproxy.cfg; tcp-ut belongs on each of your bind and server lines',
  source: 'https://docs.haproxy.org/2.6/configuration.html#4.2-clitcpka-idle, CHANGELOG of 2.3-dev1',
  words: [
    optionWord('clitcpka'),
    word('clitcpka-idle', 'idle', duration, afterSpace),
    word('clitcpka-intvl', 'interval', duration, afterSpace),
    word('clitcpka-cnt', 'count', probes(), afterSpace),
    optionWord('srvtcpka'),
    word('srvtcpka-idle', 'idle', duration, afterSpace),
    word('srvtcpka-intvl', 'interval', duration, afterSpace),
    word('srvtcpka-cnt', 'count', probes(), afterSpace),
    word('tcp-ut', 'userTimeout', delay, afterSpace),
    { ...optionWord('tcpka'), isReadOnly: true },
  ],
  comment: /(?<!\\)#.*/g,
  sideOf: (word, before) => {
    if (word.startsWith('cli') || /^\s*bind\b/.test(before)) return 'clients';
    return word.startsWith('srv') || /^\s*(?:default-)?server\b/.test(before) ? 'servers' : undefined;
  },
  turnedOnBy: '"option clitcpka" or "option srvtcpka"',
  unsaid: kernelsOwn,
  off: {
    text: 'frontend clients\n    no option clitcpka\n\nbackend servers\n    no option srvtcpka\n',
  },
  notes: [
    'the numbers need HAProxy 2.3',
    'HAProxy 2.6 accepts tcp-ut in a default-server line and then does not set it',
  ],
  write: ({ idle, interval, count, userTimeout }) =>
    lines(
      'frontend clients',
      line(userTimeout, (text) => `    bind :80 tcp-ut ${text}`),
      '    option clitcpka',
      `    clitcpka-idle ${idle}`,
      `    clitcpka-intvl ${interval}`,
      `    clitcpka-cnt ${count}`,
      '',
      'backend servers',
      '    option srvtcpka',
      `    srvtcpka-idle ${idle}`,
      `    srvtcpka-intvl ${interval}`,
      `    srvtcpka-cnt ${count}`,
      line(userTimeout, (text) => `    server one 127.0.0.1:8080 tcp-ut ${text}`),
    ),
});
