import { type Dialect, lines, type Unsaid, word } from '../dialect.js';
import { flag, probes, time } from '../units.js';
import { cComments, codeNames } from './code.js';

const ms = time({ bareMs: 1, hasGroups: true, special: { 0: 'unsaid' } });
const onOff = flag(['true'], ['false']);
const argument = (field: string, rest: string) => String.raw`(?:\s*,\s*(?<${field}>\w+)${rest})?`;
const numbers = argument('idle', argument('interval', argument('count', '')));
const readOnly = { separator: String.raw`\s*:\s*`, onlyBefore: String.raw`\s*:`, isReadOnly: true } as const;

/** libuv sets interval and count together with idle (deps/uv/src/unix/tcp.c). Without idle it sets neither. */
const ofLibuv = (number: number): Unsaid => ({
  why: 'Node.js sets it with the delay, and without a delay leaves it to the kernel',
  value: ({ idle }) => (idle === undefined ? 'kernel' : number),
});

/** socket.setKeepAlive() with four arguments; Node.js drops what the kernel refuses. */
export const node = (): Dialect => ({
  name: 'node',
  title: 'Node.js 24.19 or 26.4, without this package',
  place: 'your program, once a socket is connected, and again after each call of a driver or an agent that resets it',
  source: 'https://nodejs.org/api/net.html#socketsetkeepaliveenable-initialdelay-interval-count',
  words: [
    {
      word: 'setKeepAlive',
      says: { enabled: onOff, idle: ms, interval: ms, count: probes() },
      value: new RegExp(String.raw`\s*\(\s*(?:(?<enabled>true|false)${numbers}\s*\)|(?=\{))`, 'y'),
      allowed: '(true, delay, interval, count), each time in milliseconds, or an object',
    },
    word('enable', 'enabled', onOff, readOnly),
    word('initialDelay', 'idle', ms, readOnly),
    word('interval', 'interval', ms, readOnly),
    word('count', 'count', probes(), readOnly),
    word('keepAlive', 'enabled', onOff, readOnly),
    word('keepAliveInitialDelay', 'idle', ms, readOnly),
    word('keepAliveMsecs', 'idle', ms, readOnly),
  ],
  comment: cComments,
  token: codeNames,
  turnedOnBy: 'true',
  unsaid: {
    idle: { why: 'Node.js leaves it to the kernel', value: () => 'kernel' },
    interval: ofLibuv(1000),
    count: ofLibuv(10),
  },
  noUserTimeout: "Node.js has no word for it; this package's setKeepAlive(socket, '30:5:3:auto') sets it",
  off: { text: 'socket.setKeepAlive(false);\n' },
  notes: ['an older Node.js ignores interval and count, and sets 1 s and 10'],
  write: ({ idle, interval, count }) => lines(`socket.setKeepAlive(true, ${idle}, ${interval}, ${count});`),
});
