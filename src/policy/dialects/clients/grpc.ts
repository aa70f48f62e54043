import { limits } from '../../policy.js';
import { always, type Dialect, lines, word } from '../dialect.js';
import { time } from '../units.js';

/** The value of GRPC_ARG_KEEPALIVE_TIME_MS without which clients send no PING: INT_MAX. */
const never = '2147483647';
const pingTime = time({ bareMs: 1, special: { [never]: 'off' } });
/** `1000` is no value in `1000 * 60`. */
const form = {
  separator: String.raw`["']?\s*[:,=]\s*`,
  value: String.raw`\w+(?=["']?\s*(?:[,;)}\]\n]|$))`,
};

/** PING of HTTP/2: one question, and one time for its answer (doc/keepalive.md of gRPC). */
export const grpc = (): Dialect => ({
  name: 'grpc',
  title: "gRPC, the client's PING",
  place:
    'the channel options of grpc-js, Python, C++, PHP or Ruby; Go has keepalive.ClientParameters, Java keepAliveTime()',
  source:
    'https://github.com/grpc/grpc/blob/master/doc/keepalive.md, https://github.com/grpc/proposal/blob/master/A18-tcp-user-timeout.md, keepalive.go of grpc-go, KeepAliveManager.java of grpc-java',
  words: [
    word('grpc.keepalive_time_ms', 'idle', pingTime, form),
    word('grpc.keepalive_timeout_ms', 'interval', time({ bareMs: 1 }), form),
  ],
  unsaid: {
    idle: { why: 'without grpc.keepalive_time_ms clients send no PING', value: () => 'off' },
    interval: always(20_000, 'gRPC waits 20 s for the answer'),
    count: always(1, 'gRPC asks once, and waits grpc.keepalive_timeout_ms for the answer'),
  },
  fit: {
    why: 'the time of all probes is the time for one answer',
    numbers: ({ idle, interval, count }) => ({
      idle,
      interval: Math.min(interval * count, limits.interval.max),
      count: 1,
    }),
  },
  noUserTimeout:
    'gRPC for C++, Python, Go and Java (Netty with epoll) sets it to the time for the answer, grpc-js does not',
  off: { text: `{ "grpc.keepalive_time_ms": ${never} }\n` },
  notes: [
    'gRPC for Go and Java asks every 10 s at most: it raises a shorter time to 10 s',
    'PING is HTTP/2, not TCP: the program at the other end answers, or the next proxy that ends HTTP/2',
    'a server allows one PING in 5 min without data unless it is told otherwise, and ends a connection that sends more (too_many_pings)',
    'without max_pings_without_data gRPC for C++ and Python limits the PINGs without data to 2',
  ],
  write: ({ idle, interval }) =>
    lines(
      '{',
      `  "grpc.keepalive_time_ms": ${idle},`,
      `  "grpc.keepalive_timeout_ms": ${interval},`,
      '  "grpc.keepalive_permit_without_calls": 1,',
      '  "grpc.http2.max_pings_without_data": 0',
      '}',
    ),
});
