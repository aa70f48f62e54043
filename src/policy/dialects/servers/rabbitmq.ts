import { type Dialect, kernelsOwn, line, lines, word } from '../dialect.js';
import { flag, milliseconds, probes, seconds } from '../units.js';

const onOff = flag(['true'], ['false']);
const bits = (field: string) => String.raw`<<\s*(?<${field}>\d+)\s*:\s*32\s*/\s*native\s*>>`;
const comma = String.raw`\s*,\s*`;
const options = [
  ['4', 'idle'],
  ['5', 'interval'],
  ['6', 'count'],
  ['18', 'userTimeout'],
].map(([option, field]) => `${option}${comma}${bits(field as string)}`);

/** `{raw, 6, 4, <<30:32/native>>}`: IPPROTO_TCP, TCP_KEEPIDLE. Other options of other levels say nothing here. */
const raw = new RegExp(
  `${comma}(?:6${comma}(?:${options.join('|')})|(?!6${comma}(?:4|5|6|18)\\b)\\d+${comma}\\d+)`,
  'y',
);

const rawOption = (option: number, text: string, comma = ',') =>
  `            {raw, 6, ${option}, <<${text}:32/native>>}${comma}`;

const onlyBefore = String.raw`\s*(?:,|$)`;

/** The names that Erlang has for the same since kernel 10.5. */
const named = { separator: comma, onlyBefore, isReadOnly: true } as const;

/** Options of Erlang's listeners. Before kernel 10.5 Erlang names no number: the numbers are options of Linux. */
export const rabbitmq = (): Dialect => ({
  name: 'rabbitmq',
  title: 'RabbitMQ on Linux, towards its clients',
  place: 'advanced.config, followed by a restart; rabbitmq.conf has tcp_listen_options.keepalive = true and no numbers',
  source:
    'https://www.rabbitmq.com/docs/networking#tcp-keepalives, https://www.erlang.org/doc/apps/kernel/inet.html#setopts/2 (raw), https://www.erlang.org/doc/apps/kernel/notes (10.5)',
  words: [
    word('keepalive', 'enabled', onOff, { separator: comma, onlyBefore }),
    {
      word: 'raw',
      says: { idle: seconds, interval: seconds, count: probes(), userTimeout: milliseconds },
      value: raw,
      allowed: ', 6, 4, <<30:32/native>> (or 5, 6 or 18 for 4)',
    },
    word('keepidle', 'idle', seconds, named),
    word('keepintvl', 'interval', seconds, named),
    word('keepcnt', 'count', probes(), named),
    word('user_timeout', 'userTimeout', milliseconds, named),
    word('tcp_listen_options.keepalive', 'enabled', onOff, { isReadOnly: true }),
  ],
  comment: /%.*|^[ \t]*#.*/gm,
  turnedOnBy: '{keepalive, true}',
  unsaid: kernelsOwn,
  off: { text: '[\n    {rabbit, [\n        {tcp_listen_options, [{keepalive, false}]}\n    ]}\n].\n' },
  notes: [
    'the first four options are the defaults of RabbitMQ, which the list replaces; heartbeats of AMQP are another thing',
    'Erlang/OTP 28 with kernel 10.5 has names for the numbers: {keepidle, 30}, keepintvl, keepcnt and user_timeout',
  ],
  write: ({ idle, interval, count, userTimeout }) =>
    lines(
      '[',
      '    {rabbit, [',
      '        {tcp_listen_options, [',
      '            {backlog, 128}, {nodelay, true}, {linger, {true, 0}}, {exit_on_close, false},',
      '            {keepalive, true},',
      rawOption(4, idle as string),
      rawOption(5, interval as string),
      rawOption(6, count as string, userTimeout === undefined ? '' : ','),
      line(userTimeout, (text) => rawOption(18, text, '')),
      '        ]}',
      '    ]}',
      '].',
    ),
});
