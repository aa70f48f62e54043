import { always, type Dialect, lines, type Word, word } from '../dialect.js';
import { flag, probes, time } from '../units.js';
import { cComments, operand } from './c-syntax.js';

const idle = time({ bareMs: 1, hasGroups: true, special: { 0: 'unsaid', undefined: 'unsaid' } });
const toKernel = { 0: 'kernel', undefined: 'unsaid' } as const;
const interval = time({ bareMs: 1, hasGroups: true, special: toKernel });
const count = probes(toKernel);
const onOff = flag(['true'], ['false']);
/** `setKeepAlive()` turns keepalive off. */
const onOffOrNone = flag(['true'], ['false', ')']);
const argument = (field: string, rest: string) => String.raw`(?:\s*,\s*(?<${field}>\w+)${rest})?`;
const numbers = argument('idle', argument('interval', argument('count', '')));
const readOnly = {
  separator: String.raw`\s*:\s*`,
  value: operand,
  onlyBefore: String.raw`\s*:`,
  isReadOnly: true,
} as const;
/** Other objects have keys of the same names. */
const ofObject = { ...readOnly, onlyIn: 'setKeepAlive' } as const;

const call: Word = {
  word: 'setKeepAlive',
  says: { enabled: onOffOrNone, idle, interval, count },
  value: new RegExp(String.raw`\s*\(\s*(?:(?<enabled>true|false|\))(?:(?<=\))|${numbers}\s*\))|(?=\{))`, 'y'),
  allowed: '(true, delay, interval, count), each time in milliseconds, or an object',
};

/** socket.setKeepAlive() with four arguments; Node.js drops what the kernel refuses. */
export const node = (): Dialect => ({
  name: 'node',
  title: 'Node.js 24.19 or 26.4, without this package',
  place: 'your program, once a socket is connected, and again after each call of a driver or an agent that resets it',
  source: 'https://nodejs.org/api/net.html#socketsetkeepaliveenable-initialdelay-interval-count',
  words: [
    call,
    { ...call, word: 'setSocketKeepAlive', isReadOnly: true },
    word('enable', 'enabled', onOff, ofObject),
    word('initialDelay', 'idle', idle, ofObject),
    word('interval', 'interval', interval, ofObject),
    word('count', 'count', count, ofObject),
    word('keepAlive', 'enabled', onOff, readOnly),
    word('keepAliveInitialDelay', 'idle', idle, readOnly),
    word('keepAliveMsecs', 'idle', idle, readOnly),
  ],
  comment: cComments,
  isCode: true,
  turnedOnBy: 'true',
  allOrNone: 'Node.js leaves all numbers to the kernel without a delay, or if one of them is 0',
  unsaid: {
    idle: { why: 'Node.js leaves it to the kernel', value: () => 'kernel' },
    interval: always(1000, 'Node.js has 1 s of its own'),
    count: always(10, 'Node.js has 10 of its own'),
  },
  noUserTimeout: (policy) => `Node.js has no word for it; this package's setKeepAlive(socket, '${policy}') sets it`,
  off: { text: 'socket.setKeepAlive(false);\n' },
  notes: ['an older Node.js ignores interval and count, and sets 1 s and 10'],
  write: ({ idle, interval, count }) => lines(`socket.setKeepAlive(true, ${idle}, ${interval}, ${count});`),
});
