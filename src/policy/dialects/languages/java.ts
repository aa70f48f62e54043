import { type Dialect, kernelsOwn, lines, word } from '../dialect.js';
import { flag, probes, time } from '../units.js';
import { cComments, operand, option } from './c-syntax.js';

const seconds = time({ bareMs: 1000, hasGroups: true });
const onOff = flag(['true'], ['false']);
/** Of Netty's EpollChannelOption, whose TCP_KEEPIDLE is the same as that of the JDK. */
const ofNetty = { ...option, isReadOnly: true } as const;
const call = (option: string, value: string | undefined) => `        socket.setOption(${option}, ${value});`;

/** jdk.net.ExtendedSocketOptions, since Java 11. */
export const java = (): Dialect => ({
  name: 'java',
  title: 'Java 11',
  place: 'your program; sockets, SocketChannel and ServerSocket have the same setOption',
  source: 'https://docs.oracle.com/en/java/javase/21/docs/api/jdk.net/jdk/net/ExtendedSocketOptions.html',
  words: [
    word('SO_KEEPALIVE', 'enabled', onOff, option),
    word('TCP_KEEPIDLE', 'idle', seconds, option),
    word('TCP_KEEPINTERVAL', 'interval', seconds, option),
    word('TCP_KEEPCOUNT', 'count', probes(), option),
    word('TCP_KEEPINTVL', 'interval', seconds, ofNetty),
    word('TCP_KEEPCNT', 'count', probes(), ofNetty),
    word('TCP_USER_TIMEOUT', 'userTimeout', time({ bareMs: 1, hasGroups: true }), ofNetty),
    word('setKeepAlive', 'enabled', onOff, { separator: String.raw`\s*\(\s*`, value: operand, isReadOnly: true }),
  ],
  comment: cComments,
  isCode: true,
  turnedOnBy: 'SO_KEEPALIVE',
  unsaid: kernelsOwn,
  noUserTimeout: 'the JDK has no option for it; Netty has TCP_USER_TIMEOUT in its epoll transport (EpollChannelOption)',
  off: { text: 'socket.setOption(StandardSocketOptions.SO_KEEPALIVE, false);\n' },
  notes: ['an image made by jlink needs the module jdk.net'],
  write: ({ idle, interval, count }) =>
    lines(
      'import java.io.IOException;',
      'import java.net.Socket;',
      'import java.net.StandardSocketOptions;',
      'import jdk.net.ExtendedSocketOptions;',
      '',
      'final class KeepAlive {',
      '    static void set(Socket socket) throws IOException {',
      call('ExtendedSocketOptions.TCP_KEEPINTERVAL', interval),
      call('ExtendedSocketOptions.TCP_KEEPCOUNT', count),
      call('StandardSocketOptions.SO_KEEPALIVE', 'true'),
      call('ExtendedSocketOptions.TCP_KEEPIDLE', idle),
      '    }',
      '}',
    ),
});
