import { type Dialect, kernelsOwn, line, lines, word } from '../dialect.js';
import { flag, milliseconds, probes, seconds } from '../units.js';
import { cComments, option } from './c-syntax.js';

/** `setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &(int){30}, ...)`, or with the address of a variable, which may be cast. */
const form = {
  ...option,
  separator: String.raw`\s*,\s*(?:\([\w\s]{1,40}\*\s*\)\s*)?(?:&\s*\(\s*(?:const\s+)?int\s*\)\s*\{\s*)?`,
};

const call = (level: string, option: string, value: string) =>
  `  if (setsockopt(fd, ${level}, ${option}, &(int){${value}}, sizeof(int)) != 0) return -1;`;

/** Calls of setsockopt(2), in an order that is right for a connection in use. */
export const c = (): Dialect => ({
  name: 'c',
  title: 'C and C++ on Linux',
  place: 'your program; call it for each socket, or for the listener, whose connections inherit it',
  source: 'https://man7.org/linux/man-pages/man7/tcp.7.html',
  words: [
    word('SO_KEEPALIVE', 'enabled', flag(['1'], ['0']), form),
    word('TCP_KEEPIDLE', 'idle', seconds, form),
    word('TCP_KEEPINTVL', 'interval', seconds, form),
    word('TCP_KEEPCNT', 'count', probes(), form),
    word('TCP_USER_TIMEOUT', 'userTimeout', milliseconds, form),
  ],
  comment: cComments,
  isCode: true,
  turnedOnBy: 'SO_KEEPALIVE',
  unsaid: kernelsOwn,
  off: { text: 'setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){0}, sizeof(int));\n' },
  notes: ['macOS calls TCP_KEEPIDLE TCP_KEEPALIVE and has no TCP_USER_TIMEOUT; C++ needs variables for the values'],
  write: ({ idle, interval, count, userTimeout }) =>
    lines(
      '#include <netinet/in.h>',
      '#include <netinet/tcp.h>',
      '#include <sys/socket.h>',
      '',
      '/* Returns 0, or -1 and sets errno. */',
      'int set_keepalive(int fd) {',
      call('IPPROTO_TCP', 'TCP_KEEPINTVL', interval as string),
      call('IPPROTO_TCP', 'TCP_KEEPCNT', count as string),
      line(userTimeout, (text) => call('IPPROTO_TCP', 'TCP_USER_TIMEOUT', text)),
      call('SOL_SOCKET', 'SO_KEEPALIVE', '1'),
      call('IPPROTO_TCP', 'TCP_KEEPIDLE', idle as string),
      '  return 0;',
      '}',
    ),
});
