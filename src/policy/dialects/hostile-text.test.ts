import { describe, expect, it } from 'vitest';
import { PolicyError } from '../errors.js';
import { DialectError } from './dialect-error.js';
import { dialectNames } from './dialects.js';
import { exportPolicy } from './export-policy.js';
import { importPolicy } from './import-policy.js';

/** Returns the policy of a text, or the message of its error. */
function read(name: string, text: string): string {
  try {
    return importPolicy(name, text).policy;
  } catch (error) {
    if (!(error instanceof DialectError)) throw error;
    return error.message;
  }
}

const megabyte = 1024 * 1024;
/** Long enough to tell linear from quadratic time, short enough for a busy machine. */
const mostMs = 20_000;

describe.each(dialectNames)('%s', (name) => {
  const { text, inForce } = exportPolicy('30:5:3:45s', name);

  it.each([
    ['lines that end with CR LF', text.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\ufeff${text}`],
    ['spaces and tabs at the end of lines', text.replaceAll('\n', '  \t\n')],
    ['no newline at the end', text.trimEnd()],
    ['the same text twice', text + text],
  ])('reads text with %s', (_, given) => {
    expect(read(name, given)).toBe(inForce);
  });

  it.each([
    ['names', (length: number) => `${'keep'.repeat(length / 4)}\n`],
    ['names with dots', (length: number) => `${'a.'.repeat(length / 2)}\n`],
    ['different names', (length: number) => Array.from({ length: length / 10 }, (_, at) => `keepal${at}`).join('\n')],
    ['spaces', (length: number) => ' '.repeat(length)],
    ['hashes', (length: number) => `${'#'.repeat(length)}\n`],
    ['comments without an end', (length: number) => '/*'.repeat(length / 2)],
    ['braces', (length: number) => '{('.repeat(length / 2)],
    ['quotes', (length: number) => `${'"'.repeat(length)}\n`],
  ])(
    'reads a megabyte of %s as a policy or as an error, in time',
    (_, filler) => {
      const start = performance.now();
      expect(read(name, filler(megabyte) + text).length).toBeLessThan(600);
      expect(performance.now() - start).toBeLessThan(mostMs);
    },
    60_000,
  );

  it('reads a megabyte of one word, with any value, as a policy or as an error, in time', () => {
    const words = [...new Set(text.match(/[A-Za-z_][\w.-]*/g))].slice(0, 5);
    const start = performance.now();
    for (const word of words) {
      for (const end of [' ', '=', ' = 1s', '(', ', &', ': {']) {
        expect(read(name, `${word}${end}`.repeat(10_000)).length).toBeLessThan(600);
        expect(read(name, word + end.repeat(megabyte / 8)).length).toBeLessThan(600);
      }
    }
    expect(performance.now() - start).toBeLessThan(mostMs);
  }, 120_000);

  const number = name === 'grpc' || name === 'node' ? /30000/ : /30/;
  const wrongNumbers = [
    '-30',
    '+30',
    '0x1e',
    '3e1',
    '30.5',
    '99999999999999999999',
    '2147483648',
    '30\0',
    'off',
    '{{ idle }}',
    '３０',
  ];
  it.each(number.test(text) ? wrongNumbers : [])('refuses %j as a number, at its line and word', (value) => {
    const error = (() => {
      try {
        return importPolicy(name, text.replace(number, value));
      } catch (error) {
        return error as DialectError;
      }
    })();
    expect(error).toBeInstanceOf(DialectError);
    const { line, word, message } = error as DialectError;
    expect(text.split('\n')[(line as number) - 1]).toContain(word);
    expect(message).toContain(`${name}, line ${line}: ${word} must be `);
  });
});

describe('a word without its value is refused, and does not take the value of the next word', () => {
  it.each([
    ['postgresql', 'tcp_keepalives_idle =\ntcp_keepalives_interval = 5'],
    ['sysctl', 'tcp_keepalive_time =\ntcp_keepalive_intvl = 5'],
    ['mysql', 'tcp_keepalive_time =\ntcp_keepalive_interval = 5'],
    ['libpq', 'keepalives_idle = keepalives_interval = 5'],
    ['systemd', 'KeepAliveTimeSec=\nKeepAliveIntervalSec=5'],
    ['curl', 'keepalive-time =\nkeepalive-cnt = 5'],
    ['ssh', 'ServerAliveInterval\nServerAliveCountMax 5'],
    ['docker', 'net.ipv4.tcp_keepalive_time:\nnet.ipv4.tcp_keepalive_intvl: 5'],
    ['envoy', 'keepalive_time:\nkeepalive_interval: 5'],
  ])('%s: %j', (name, text) => {
    expect(read(name, text)).toMatch(/^\w+, line 1: \S+ must be .* got /);
  });
});

describe('text of another system', () => {
  /** Systems with words in common say the same in them; a shorter text leaves numbers to what applies without the word. */
  const related = [
    ['mysql', 'sysctl', '30:75:3'],
    ['mysql', 'docker', '30:75:3'],
    ['sysctl', 'docker', '30:5:3'],
    ['docker', 'sysctl', '30:5:3'],
    ['postgresql', 'libpq', '7200:75:9:45'],
    ['libpq', 'postgresql', '7200:75:9:45'],
    ['python', 'c', '30:5:3:auto'],
    ['python', 'go', '15:15:9:45'],
    ['node', 'java', '7200:75:9'],
  ];

  it.each(dialectNames)('%s is refused, except where the words are the same', (from) => {
    const { text } = exportPolicy('30:5:3:45s', from);
    const policies = dialectNames.filter((to) => to !== from).map((to) => [from, to, read(to, text)] as const);
    const accepted = policies.filter(([, , result]) => /^[\d:a-z]+$/.test(result));
    expect(accepted.toSorted()).toEqual(related.filter(([system]) => system === from).toSorted());
  });
});

describe('text of other systems', () => {
  it.each<[string, string, string]>([
    // Names in any letter case, where the system ignores it.
    ['postgresql', "TCP_KEEPALIVES_IDLE to '30 s'", '30:75:9'],
    ['postgresql', 'postgres --tcp-keepalives-idle=30 -c tcp_keepalives_count=4', '30:75:4'],
    ['mysql', 'SET GLOBAL TCP_KEEPALIVE_TIME = 60', '60:75:9'],
    ['redis', 'Tcp-KeepAlive 60', '60:20:3'],
    ['systemd', 'KeepAlive=Yes\nKeepAliveTimeSec=30', '30:75:9'],
    ['pgjdbc', 'jdbc:postgresql://h/d?tcpKeepAlive=TRUE', '7200:75:9'],
    ['pgjdbc', 'ds.setTcpKeepAlive(true);', '7200:75:9'],
    // Comments of each of its files.
    ['postgresql', 'SET tcp_keepalives_idle = 5; -- tcp_keepalives_idle = 1', '5:75:9'],
    ['rabbitmq', '# tcp_listen_options.keepalive = false\ntcp_listen_options.keepalive = true', '7200:75:9'],
    ['libpq', '[service]\n# keepalives_idle=9\nkeepalives_idle=30', '30:75:9'],
    ['nginx', 'listen 80 so_keepalive=on;#so_keepalive=off', '7200:75:9'],
    ['curl', '// CURLOPT_TCP_KEEPIDLE, 9L\ncurl_easy_setopt(h, CURLOPT_TCP_KEEPIDLE, 30L);', '30:60:9'],
    // The last value counts, also after a value that turns keepalive off.
    ['redis', 'tcp-keepalive 0\ntcp-keepalive 60', '60:20:3'],
    ['redis', 'tcp-keepalive 60\ntcp-keepalive 0', 'off'],
    // 0 stands for what applies without the word.
    ['nginx', 'listen 80 "so_keepalive=0:5:3";', '7200:5:3'],
    ['curl', 'keepalive-time = 0', '60:60:9'],
    ['libpq', 'keepalives=2 keepalives_idle=30', '30:75:9'],
    ['mosquitto', 'bridge_tcp_user_timeout 45000', 'off'],
    ['rabbitmq', '{keepalive,true},{keepidle,30},{keepintvl,5},{keepcnt,3},{user_timeout,45000}', '30:5:3:auto'],
    // As Node.js 24.21 and 26.12 set it.
    ['node', 'socket.setKeepAlive(true, 30000, 0, 0)', '7200:75:9'],
    ['node', 'socket.setKeepAlive(true, 0, 5000, 3)', '7200:75:9'],
    ['node', 'socket.setKeepAlive(true, 30000, undefined, 3)', '30:1:3'],
    ['node', 'socket.setKeepAlive({ enable: true, interval: 5000, count: 3 })', '7200:75:9'],
    ['node', 'const retry = { interval: 2000, count: 5 };\nsocket.setKeepAlive(true, 30000);', '30:1:10'],
    ['go', 'net.KeepAliveConfig{Enable: true, Idle: -1, Interval: -1, Count: -1}', '7200:75:9'],
    ['go', 'retry{Count: 5, Enabled: true}; net.KeepAliveConfig{Enable: true, Count: 3}', '15:15:3'],
    ['go', 'Enable: true, Idle: 30 * time.Second', '30:15:9'],
    ['rust', 'k.with_time(Duration::from_mins(1)); s.set_tcp_user_timeout(None)', '60:75:9'],
    // Code that asks whether the system has an option, or reads it, sets nothing.
    [
      'c',
      'int i = 30;\n#ifdef TCP_KEEPIDLE\nsetsockopt(s, 6, TCP_KEEPIDLE, (void *)&i, sizeof(i));\n#endif',
      '30:75:9',
    ],
    ['c', 'getsockopt(s, 6, TCP_KEEPIDLE, &v, &l);\nsetsockopt(s, 6, TCP_KEEPCNT, &(int){3}, 4);', '7200:75:3'],
    ['python', "if hasattr(socket, 'TCP_KEEPIDLE'):\n    s.setsockopt(6, socket.TCP_KEEPIDLE, 30)", '30:75:9'],
    ['dotnet', 's.SetSocketOption(Tcp, TcpKeepAliveTime, 30); s.GetSocketOption(Tcp, TcpKeepAliveTime, 4);', '30:75:9'],
    [
      'java',
      'b.option(EpollChannelOption.TCP_KEEPCNT, 3).option(EpollChannelOption.TCP_USER_TIMEOUT, 9000)',
      '7200:75:3:9',
    ],
  ])('%s reads %j as %s', (name, text, policy) => {
    expect(read(name, text)).toBe(policy);
  });

  it.each([
    [
      'nginx',
      'listen 80 so_keepalive=::;',
      'so_keepalive must be followed by =on, =off or =idle:interval:count, got "=::;"',
    ],
    ['ssh', 'ServerAliveInterval 30\nServerAliveInterval 0', 'is off, but ServerAliveInterval in line 1 is 30 s;'],
    ['c', 'setsockopt(s, 6, TCP_KEEPIDLE, &(int){30 * 60}, 4)', 'got ", &(int){30 * 60}, 4)"'],
    ['python', 's.setsockopt(6, socket.TCP_KEEPIDLE, 30 * 60)', 'got ", 30 * 60)"'],
    ['java', 's.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, 30 * 60);', 'got ", 30 * 60);"'],
    ['dotnet', 's.SetSocketOption(Tcp, TcpKeepAliveTime, 30 * 60);', 'got ", 30 * 60);"'],
    ['rust', 'k.with_retries(3 + 1)', 'got "(3 + 1)"'],
    ['node', 'socket.setKeepAlive({ enable: true, initialDelay: 1000 * 60 })', 'got ": 1000 * 60 })"'],
    ['grpc', "{'grpc.keepalive_time_ms': 1000 * 60}", 'got "\': 1000 * 60}"'],
    ['curl', 'curl_easy_setopt(h, CURLOPT_TCP_KEEPIDLE, 30L * 60)', 'got ", 30L * 60)"'],
    ['ssh', 'ServerAliveCountMax 0', 'must be a whole number from 1 to 127, got "0"'],
    ['node', 'socket.setKeepAlive(true, 1500)', 'from 1 s to 32767 s, in milliseconds, got "1500"'],
    ['libpq', 'tcp_user_timeout=99999999999', 'must be from 0 (off) to 2147483647 ms, got "99999999999"'],
    ['go', 'net.KeepaliveConfig{Enable: true}', 'unknown word "KeepaliveConfig"; did you mean "KeepAliveConfig"?'],
    ['postgresql', 'TCP_KEEPALIVE_IDLE = 30', 'unknown word "TCP_KEEPALIVE_IDLE"; did you mean "tcp_keepalives_idle"?'],
  ])('%s refuses %j: %s', (name, text, message) => {
    expect(read(name, text)).toContain(message);
  });

  it('of libcurl turns nothing on without CURLOPT_TCP_KEEPALIVE', () => {
    const text = 'curl_easy_setopt(h, CURLOPT_TCP_KEEPIDLE, 30L);';
    const note = 'these lines alone turn no keepalive on: CURLOPT_TCP_KEEPALIVE, 1L is missing';
    expect(importPolicy('curl', text).notes).toContain(note);
    expect(importPolicy('curl', `${text}curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);`).notes).not.toContain(note);
    expect(importPolicy('curl', 'keepalive-time = 30').notes).not.toContain(note);
  });

  it('whose numbers Node.js does not set is read with a note that says why', () => {
    expect(importPolicy('node', 'socket.setKeepAlive(true, 30000, 0)').notes[0]).toBe(
      'the idle time of the text does not apply: Node.js leaves all numbers to the kernel without a delay, or if one of them is 0: 7200 s unless a sysctl says otherwise',
    );
  });
});

describe('exportPolicy', () => {
  it('refuses objects whose fields throw or are wrong with a PolicyError, also with keepalive off', () => {
    const throwing = new Proxy({}, { get: () => expect.unreachable(), ownKeys: () => expect.unreachable() });
    for (const policy of [throwing, { enabled: false, idle: 'x' }, { enabled: false, other: 1 }]) {
      expect(() => exportPolicy(policy as never, 'libpq')).toThrow(PolicyError);
    }
    expect(exportPolicy({ enabled: false } as never, 'libpq').inForce).toBe('off');
  });
});
