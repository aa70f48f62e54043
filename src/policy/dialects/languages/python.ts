import { type Dialect, kernelsOwn, line, lines, word } from '../dialect.js';
import { flag, probes, time } from '../units.js';
import { option } from './c-syntax.js';

const call = (level: string, option: string, value: string) =>
  `    sock.setsockopt(socket.${level}, socket.${option}, ${value})`;

/** Calls of the socket module, which has the constants of the system. */
export const python = (): Dialect => ({
  name: 'python',
  title: 'Python on Linux',
  place: 'your program; call it for each socket, or for the listener, whose connections inherit it',
  source: 'https://docs.python.org/3/library/socket.html#socket.socket.setsockopt',
  words: [
    word('SO_KEEPALIVE', 'enabled', flag(['1', 'True'], ['0', 'False']), option),
    word('TCP_KEEPIDLE', 'idle', time({ bareMs: 1000, hasGroups: true }), option),
    word('TCP_KEEPINTVL', 'interval', time({ bareMs: 1000, hasGroups: true }), option),
    word('TCP_KEEPCNT', 'count', probes(), option),
    word('TCP_USER_TIMEOUT', 'userTimeout', time({ bareMs: 1, hasGroups: true }), option),
  ],
  comment: /#.*/g,
  isCode: true,
  turnedOnBy: 'SO_KEEPALIVE',
  unsaid: kernelsOwn,
  off: { text: 'sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)\n' },
  notes: ['on macOS the name is TCP_KEEPALIVE (Python 3.10), not TCP_KEEPIDLE, and there is no TCP_USER_TIMEOUT'],
  write: ({ idle, interval, count, userTimeout }) =>
    lines(
      'import socket',
      '',
      '',
      'def set_keepalive(sock):',
      call('IPPROTO_TCP', 'TCP_KEEPINTVL', interval as string),
      call('IPPROTO_TCP', 'TCP_KEEPCNT', count as string),
      line(userTimeout, (text) => call('IPPROTO_TCP', 'TCP_USER_TIMEOUT', text)),
      call('SOL_SOCKET', 'SO_KEEPALIVE', '1'),
      call('IPPROTO_TCP', 'TCP_KEEPIDLE', idle as string),
    ),
});
