import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPolicy } from '../format.js';
import { parsePolicy } from '../parse.js';
import { DialectError } from './dialect-error.js';
import { dialectNamed, dialectNames } from './dialects.js';
import { exportPolicy } from './export-policy.js';
import { importPolicies, importPolicy } from './import-policy.js';
import { sayableFields } from './in-force.js';

const seconds = fc.integer({ min: 1, max: 32_767 }).map((number) => number * 1000);
const policies = fc.record(
  {
    idle: seconds,
    interval: seconds,
    count: fc.integer({ min: 1, max: 127 }),
    userTimeout: fc.oneof(
      fc.integer({ min: 0, max: 2 ** 31 - 1 }),
      fc.integer({ min: 200, max: 90_000 }),
      fc.constant(0),
    ),
  },
  { requiredKeys: ['idle', 'interval', 'count'] },
);

/** Returns the error of a call, which has to be a DialectError. */
function errorOf(call: () => unknown): DialectError {
  try {
    const result = call();
    throw new Error(`no error, but ${JSON.stringify(result)}`);
  } catch (error) {
    if (!(error instanceof DialectError)) throw error;
    return error;
  }
}

describe.each(dialectNames.map((name) => [name, dialectNamed(name)] as const))('%s', (name, dialect) => {
  it('reads back what it writes: what a text says is not lost, and what it cannot say is in force', () => {
    fc.assert(
      fc.property(policies, (policy) => {
        const text = formatPolicy(policy);
        const exported = exportPolicy(text, name);
        const imported = importPolicy(name, exported.text);
        expect(imported.policy).toBe(exported.inForce);
        expect(exportPolicy(imported.policy, name).text).toBe(exported.text);
        const read = parsePolicy(imported.policy);
        for (const field of ['idle', 'interval', 'count', 'userTimeout'] as const) {
          const isSaid = sayableFields(dialect).has(field) && dialect.fit === undefined;
          if (isSaid) expect(read[field]).toBe(policy[field]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('says in its notes what differs from the policy, and nothing of that if all is said', () => {
    fc.assert(
      fc.property(policies, (policy) => {
        const { inForce, notes } = exportPolicy(policy, name);
        const applies = parsePolicy(inForce);
        for (const [field, start] of Object.entries({ idle: 'idle ', interval: 'interval ', count: 'count ' })) {
          const isNoted = notes.some((note) => note.startsWith(start) && note.includes('cannot be said'));
          expect(isNoted, field).toBe(applies[field as 'idle'] !== policy[field as 'idle']);
        }
        const isNoted = notes.some((note) => note.startsWith('user timeout '));
        expect(isNoted).toBe(Boolean(policy.userTimeout) && applies.userTimeout === undefined);
      }),
      { numRuns: 100 },
    );
  });

  it('turns keepalive off, or says why it cannot', () => {
    if ('never' in dialect.off) {
      const { never } = dialect.off;
      expect(errorOf(() => exportPolicy('off', name)).message).toBe(`${name} cannot turn keepalive off: ${never}`);
      return;
    }
    const { text, inForce } = exportPolicy(false, name);
    expect([inForce, importPolicy(name, text).policy]).toEqual(['off', 'off']);
  });

  it('reads text that is cut anywhere as a policy or as an error, which has a line if there is a word about keepalive', () => {
    const { text } = exportPolicy('30:5:3:auto', name);
    for (let length = 0; length < text.length; length += 1) {
      try {
        parsePolicy(importPolicy(name, text.slice(0, length)).policy.replace('off', '1:1:1'));
      } catch (error) {
        expect(error).toBeInstanceOf(DialectError);
        const { line, message } = error as DialectError;
        if (line === undefined) expect(message).toContain('this text has none of the words of ');
        else expect(line).toBeLessThanOrEqual(text.slice(0, length).split('\n').length);
      }
    }
  });

  it('reads any text as a policy or as a DialectError', () => {
    const words = dialect.words.map(({ word }) => word);
    const piece = fc.oneof(
      fc.constantFrom(
        ...words,
        '=',
        ' = ',
        ': ',
        ', ',
        '(',
        ')',
        '{',
        '}',
        '"',
        '\n',
        ' ',
        '0',
        '30',
        '-1',
        '1e9',
        '30s',
      ),
      fc.string({ maxLength: 8 }),
    );
    const texts = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(texts, (text) => {
        try {
          expect(importPolicy(name, text).policy).toMatch(/^(?:off|\d+(?:s|ms)?(?::\w+){2,3})$/);
        } catch (error) {
          if (!(error instanceof DialectError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('refuses a value of any length in a short message', () => {
    const { text } = exportPolicy('30:5:3', name);
    const start = /^[^\d=]*=?/.exec(text)?.[0];
    for (const long of ['x', '1', '1a', ' ', '\n', '/*', '"']) {
      const error = errorOf(() => importPolicy(name, `${start}${long.repeat(50_000)}`));
      expect(error.message.length).toBeLessThan(500);
    }
  });

  it('names a word that is nearly right, and its line', () => {
    const word = dialect.words.find(({ word, isReadOnly }) => !isReadOnly && word.length > 7)?.word as string;
    const text = exportPolicy('30:5:3', name).text;
    const before = `${text.replace(/\n$/, '')}\n`;
    const wrong = `${word.slice(0, 4)}${word.slice(5)}`;
    const error = errorOf(() => importPolicy(name, `${before}${wrong}`));
    expect(error).toMatchObject({ dialect: name, line: before.split('\n').length, word: wrong });
    expect(error.message).toContain(`unknown word "${wrong}"; did you mean "${word}"?`);
  });
});

describe('text of other systems', () => {
  it.each<[string, string, string]>([
    ['nginx', 'server {\n  listen 443 ssl so_keepalive=1m:5s:3; # so_keepalive=off\n}', '60:5:3'],
    ['nginx', 'listen 80 so_keepalive=30::3;', '30:75:3'],
    ['nginx', 'listen 80 so_keepalive=on;', '7200:75:9'],
    ['haproxy', 'frontend a\n option tcpka\n clitcpka-idle 1m\n clitcpka-intvl 5000ms', '60:5:9'],
    ['haproxy', 'bind :80 tcp-ut 45000\n option clitcpka', '7200:75:9:45'],
    ['postgresql', "#tcp_keepalives_idle = 0\ntcp_keepalives_idle = '2min'\ntcp_user_timeout = 45s", '120:75:9:45'],
    ['postgresql', 'ALTER SYSTEM SET tcp_keepalives_idle TO 30;', '30:75:9'],
    ['postgresql', 'tcp_keepalives_idle = 10\ntcp_keepalives_idle = 20', '20:75:9'],
    ['postgresql', 'tcp_keepalives_count = 0', '7200:75:9'],
    ['mysql', 'SET GLOBAL tcp_keepalive_time = 60; SET GLOBAL tcp_keepalive_probes=4', '60:75:4'],
    ['mysql', '[mysqld]\ntcp-keepalive-time=60\ntcp-keepalive-interval=10', '60:10:9'],
    ['redis', 'CONFIG SET tcp-keepalive 60', '60:20:3'],
    ['redis', 'tcp-keepalive 1', '1:1:3'],
    ['redis', 'tcp-keepalive 0', 'off'],
    ['rabbitmq', 'tcp_listen_options.keepalive = true', '7200:75:9'],
    ['rabbitmq', '{raw,1,13,<<1:32>>},{keepalive,true},{raw,6,4,<<60:32/native>>}', '60:75:9'],
    ['mosquitto', 'connection a\nbridge_tcp_keepalive 60 10 5', '60:10:5'],
    ['libpq', 'postgresql://u@h/d?keepalives_idle=30&keepalives_count=4&sslmode=require', '30:75:4'],
    ['libpq', "host=h keepalives_idle='30' keepalives_interval = 5 keepalives=0", 'off'],
    ['pgjdbc', 'jdbc:postgresql://h/d?user=u&tcpKeepAlive=true', '7200:75:9'],
    ['pgjdbc', 'properties.setProperty("tcpKeepAlive", "true");', '7200:75:9'],
    ['curl', 'curl --keepalive-time 20 https://example.com', '20:20:9'],
    ['curl', 'curl --no-keepalive https://example.com', 'off'],
    [
      'curl',
      'curl_easy_setopt(h, CURLOPT_TCP_KEEPIDLE, 120L); curl_easy_setopt(h, CURLOPT_TCP_KEEPINTVL, 60L);',
      '120:60:9',
    ],
    ['ssh', 'serveraliveinterval 1m\nServerAliveCountMax=2', '60:60:2'],
    ['ssh', 'ClientAliveInterval 15', '15:15:3'],
    ['ssh', 'ServerAliveCountMax 2', 'off'],
    ['grpc', "{'grpc.keepalive_time_ms': 10000}", '10:20:1'],
    ['grpc', '("grpc.keepalive_time_ms", 10000), ("grpc.keepalive_timeout_ms", 5000)', '10:5:1'],
    ['systemd', '[Socket]\nKeepAlive = true\nKeepAliveTimeSec=1min 30s', '90:75:9'],
    ['sysctl', 'sysctl -w net.ipv4.tcp_keepalive_time=600', '600:75:9'],
    ['sysctl', '# a comment\nnet.ipv4.tcp_keepalive_intvl=60\nnet.ipv4.tcp_keepalive_probes = 20', '7200:60:20'],
    ['docker', 'sysctls:\n  net.ipv4.tcp_keepalive_time: 60\n  - net.ipv4.tcp_keepalive_probes=5', '60:75:5'],
    ['kubernetes', 'sysctls: [{name: net.ipv4.tcp_keepalive_time, value: "60"}]', '60:75:9'],
    ['node', 'socket.setKeepAlive(true)', '7200:75:9'],
    ['node', 'socket.setKeepAlive(true, 30_000)', '30:1:10'],
    ['node', 'const delay = 60_000;\nsocket.setKeepAlive(true, delay);', '60:1:10'],
    ['node', 'socket.setKeepAlive({ enable: true, initialDelay: 30000, interval: 5000, count: 3 })', '30:5:3'],
    ['node', 'net.connect({ port, keepAlive: true, keepAliveInitialDelay: 10000 })', '10:1:10'],
    ['node', 'new http.Agent({ keepAlive: true, keepAliveMsecs: 1000 })', '1:1:10'],
    ['go', 'net.KeepAliveConfig{Enable: true}', '15:15:9'],
    ['go', 'net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 5*time.Second, Count: 3}', '60:5:3'],
    ['go', 'net.Dialer{Timeout: time.Minute, KeepAlive: 30 * time.Second}', '30:15:9'],
    ['go', 'net.ListenConfig{KeepAlive: 3 * time.Minute}', '180:15:9'],
    ['go', '(&net.Dialer{\n\tKeepAlive: -1,\n}).Dial("tcp", a)', 'off'],
    ['go', 'net.Dialer{KeepAlive: -1 * time.Second}', 'off'],
    ['go', 'net.Dialer{KeepAlive: 0}', '15:15:9'],
    ['go', 'Other{KeepAlive: time.Hour}; net.Dialer{KeepAlive: time.Minute}', '60:15:9'],
    ['go', 'tc.SetKeepAlive(true)\ntc.SetKeepAlivePeriod(30 * time.Second)', '30:15:9'],
    ['go', 'const period = 2 * time.Minute\ntc.SetKeepAlivePeriod(period)', '120:15:9'],
    ['go', 'tc.SetKeepAlivePeriod(time.Duration(30) * time.Second)', '30:15:9'],
    ['go', 'tc.SetKeepAlive(true)', '15:15:9'],
    ['go', 'tc.SetKeepAlive(false)', 'off'],
    ['go', 'net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: -1 * time.Second, Count: -1}', '60:75:9'],
    ['python', 's.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)', '7200:75:9'],
    ['java', 'socket.setKeepAlive(true);', '7200:75:9'],
    ['java', 'bootstrap.childOption(ChannelOption.SO_KEEPALIVE, true)', '7200:75:9'],
    ['haproxy', 'option tcpka', '7200:75:9'],
    ['nginx', 'listen 80 so_keepalive=off;', 'off'],
    ['rust', 'Client::builder().tcp_keepalive(Duration::from_secs(60))', '60:75:9'],
    ['rust', 'endpoint.tcp_keepalive(Some(Duration::from_secs(60)))', '60:75:9'],
    ['rust', 'stream.set_keepalive(Some(Duration::from_secs(60)))', '60:75:9'],
    ['rust', 'stream.set_keepalive(None)', 'off'],
    ['dotnet', 's.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, 1);', '7200:75:9'],
    ['dotnet', 'ServicePointManager.SetTcpKeepAlive(true, 30000, 1000);', '30:1:9'],
    ['node', 'socket.setKeepAlive()', 'off'],
    ['node', 'request.setSocketKeepAlive(true, 30000)', '30:1:10'],
    ['ssh', 'TCPKeepAlive no\nServerAliveInterval 30', '30:30:3'],
    ['python', 'IDLE = 60\ns.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, IDLE)', '60:75:9'],
    [
      'c',
      'int one = 1, idle = 60;\nsetsockopt(s, 6, TCP_KEEPIDLE, &idle, 4); setsockopt(s, 1, SO_KEEPALIVE, &one, 4);',
      '60:75:9',
    ],
    ['java', 'socket.setKeepAlive(true); socket.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, 60);', '60:75:9'],
    ['rust', 'TcpKeepalive::new().with_time(Duration::from_millis(60_000))', '60:75:9'],
    ['dotnet', 's.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 60);', '60:75:9'],
    ['envoy', 'upstream_connection_options:\n  tcp_keepalive: {}', '7200:75:9'],
    ['envoy', '{"tcp_keepalive": {"keepalive_time": 60}}', '60:75:9'],
  ])('%s reads %j as %s', (name, text, policy) => {
    expect(importPolicy(name, text).policy).toBe(policy);
  });

  it.each<[string, string, number, string, RegExp]>([
    ['nginx', 'a;\nlisten 80 so_keepalive=30:5;', 2, 'so_keepalive', /=on, =off or =idle:interval:count, got "=30:5;"/],
    [
      'nginx',
      'listen 80 so_keepalive=30:5:3;\nlisten 443 so_keepalive=60:5:3;',
      2,
      'so_keepalive',
      /60 s, .* line 1 is 30 s/,
    ],
    ['postgresql', 'tcp_keepalives_idle = ', 1, 'tcp_keepalives_idle', /got "="/],
    [
      'postgresql',
      '\n\ntcp_keepalives_idle = 30x',
      3,
      'tcp_keepalives_idle',
      /seconds.* or a duration with .*min.*got "30x"/,
    ],
    ['postgresql', 'tcp_keepalives_idle = 40000', 1, 'tcp_keepalives_idle', /from 1 s to 32767 s, got "40000"/],
    ['postgresql', "tcp_keepalives_idle = '500ms'", 1, 'tcp_keepalives_idle', /a whole number of seconds/],
    ['libpq', 'keepalives_idle=-1', 1, 'keepalives_idle', /got "-1"/],
    ['libpq', 'keepalive_idle=30', 1, 'keepalive_idle', /did you mean "keepalives_idle"/],
    ['haproxy', 'clitcpka-idle 30s\nsrvtcpka-idle 60s', 2, 'srvtcpka-idle', /clitcpka-idle in line 1 is 30 s/],
    ['redis', 'tcp-keepalive yes', 1, 'tcp-keepalive', /a number of seconds, got "yes"/],
    ['node', 'socket.setKeepAlive(true, 30000', 1, 'setKeepAlive', /got "\(true, 30000"/],
    ['node', 'socket.setKeepAlive(true, 500)', 1, 'setKeepAlive', /whole number of seconds/],
    ['c', 'setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, 4)', 1, 'TCP_KEEPCNT', /got "&count"/],
    [
      'go',
      'net.KeepAliveConfig{\n  Enable: true,\n  Idle: ',
      3,
      'Idle',
      /Idle must be followed by a duration .* got ":"/,
    ],
    ['grpc', '{ "grpc.keepalive_time_ms": 1500 }', 1, 'grpc.keepalive_time_ms', /whole number of seconds/],
    [
      'sysctl',
      'net.ipv4.tcp_keepalive_timee = 3',
      1,
      'net.ipv4.tcp_keepalive_timee',
      /did you mean "net.ipv4.tcp_keepalive_time"/,
    ],
    ['systemd', 'KeepAlive=maybe', 1, 'KeepAlive', /yes or no, got "maybe"/],
  ])('%s refuses %j in line %i, at %s', (name, text, line, word, message) => {
    const error = errorOf(() => importPolicy(name, text));
    expect(error).toMatchObject({ code: 'ERR_KEEPALIVE_DIALECT', dialect: name, line, word });
    expect(error.message).toMatch(message);
  });

  it('without a word about keepalive is refused with the words that are looked for', () => {
    const error = errorOf(() => importPolicy('postgresql', 'max_connections = 100'));
    expect(error.message).toBe(
      'this text has none of the words of PostgreSQL server, towards its clients: tcp_keepalives_idle, tcp_keepalives_interval, tcp_keepalives_count, tcp_user_timeout',
    );
  });

  it.each([
    ['kubernetes', 'net.ipv4.tcp_keepalive_time=600', 'got "=600"; did you mean "sysctl" or "docker"?'],
    ['docker', 'sysctls: [{name: net.ipv4.tcp_keepalive_time, value: "60"}]', 'did you mean "kubernetes"?'],
    ['nginx', 'tcp-keepalive 60', 'so_keepalive; did you mean "redis"?'],
    ['c', 'listen 80 so_keepalive=on;', '; did you mean "nginx"?'],
  ])('of another system is refused by %s with the name of that system: %j', (name, text, message) => {
    expect(errorOf(() => importPolicy(name, text)).message).toContain(message);
  });

  it('quotes the policy that was given in its notes', () => {
    const { notes } = exportPolicy('60:10:6:auto', 'node');
    expect(notes.join('\n')).toContain("setKeepAlive(socket, '60:10:6:auto') sets it");
  });

  it.each(['postgresql', 'haproxy', 'rabbitmq', 'libpq'])(
    'of %s with a user timeout says what it also ends',
    (name) => {
      const note = 'the user timeout also ends a connection whose peer is alive, but does not read for 45 s';
      expect(exportPolicy('30:5:3:auto', name).notes).toContain(note);
      expect(exportPolicy('30:5:3', name).notes).not.toContain(note);
    },
  );

  it('that turns nothing on is read, with a note that says so', () => {
    expect(importPolicy('systemd', 'KeepAliveTimeSec=30').notes).toContain(
      'these lines alone turn no keepalive on: KeepAlive=yes is missing',
    );
  });
});

describe('text with several policies', () => {
  const placed = (name: string, text: string) =>
    importPolicies(name, text).map(({ policy, line, word }) => `${policy} ${line} ${word}`);

  it.each<[string, string, string[]]>([
    [
      'haproxy',
      'option clitcpka\nclitcpka-idle 60s\noption srvtcpka',
      ['60:75:9 2 clitcpka-idle', '7200:75:9 3 srvtcpka'],
    ],
    [
      'haproxy',
      'clitcpka-idle 60\nsrvtcpka-idle 120\nclitcpka-cnt 3\nsrvtcpka-cnt 4',
      ['60:75:3 1 clitcpka-idle', '120:75:4 2 srvtcpka-idle'],
    ],
    [
      'haproxy',
      ' bind :80 tcp-ut 45s\n option clitcpka\n option srvtcpka\n server a a:1 tcp-ut 9s',
      ['7200:75:9:45 1 tcp-ut', '7200:75:9:9 4 tcp-ut'],
    ],
    [
      'nginx',
      'listen 80 so_keepalive=30:5:3;\nlisten 81 so_keepalive=30:5:3;\nlisten 82 so_keepalive=off;',
      ['30:5:3 1 so_keepalive', 'off 3 so_keepalive'],
    ],
    ['node', 'a.setKeepAlive(false);\nb.setKeepAlive(true, 30000);', ['off 1 setKeepAlive', '30:1:10 2 setKeepAlive']],
    [
      'envoy',
      'a:\n keepalive_time: 60\n keepalive_interval: 10\nb:\n keepalive_time: 60\n keepalive_interval: 20',
      ['60:10:9 2 keepalive_time', '60:20:9 5 keepalive_time'],
    ],
    [
      'kubernetes',
      '{name: tcp_keepalive_time, value: "60"}\n---\n{name: tcp_keepalive_time, value: "90"}',
      ['60:75:9 1 tcp_keepalive_time', '90:75:9 3 tcp_keepalive_time'],
    ],
    [
      'c',
      'setsockopt(a, 1, SO_KEEPALIVE, &(int){1}, 4);\nsetsockopt(a, 6, TCP_KEEPIDLE, &(int){30}, 4);\nsetsockopt(b, 6, TCP_KEEPIDLE, &(int){60}, 4);',
      ['30:75:9 2 TCP_KEEPIDLE', '60:75:9 3 TCP_KEEPIDLE'],
    ],
    ['postgresql', 'tcp_keepalives_idle = 10\ntcp_keepalives_idle = 20', ['20:75:9 2 tcp_keepalives_idle']],
  ])('of %s: %j', (name, text, policies) => {
    expect(placed(name, text)).toEqual(policies);
  });

  it('inherits what turns keepalive on, if the text says it once', () => {
    const text = 'setsockopt(a, 1, SO_KEEPALIVE, &(int){1}, 4); f(a, TCP_KEEPIDLE, 30); f(b, TCP_KEEPIDLE, 60);';
    expect(importPolicies('c', text).map(({ offByDefault }) => offByDefault)).toEqual([undefined, undefined]);
  });

  it('is refused where one policy is needed, with each policy and its line', () => {
    const error = errorOf(() => importPolicy('haproxy', 'option clitcpka\nclitcpka-idle 60s\noption srvtcpka'));
    expect(error).toMatchObject({ line: 3, word: 'srvtcpka' });
    expect(error.message).toContain(
      'pass one policy at a time: the text has 60:75:9 (line 2, clitcpka-idle), 7200:75:9 (line 3, srvtcpka)',
    );
    const many = Array.from({ length: 21 }, (_, at) => `listen ${at} so_keepalive=${at + 1}:5:3;`).join('\n');
    expect(errorOf(() => importPolicies('nginx', many)).message).toMatch(/5:5:3 \(line 5, so_keepalive\) and 16 more$/);
  });
});

describe('names of systems', () => {
  it.each([
    ['ngnix', 'did you mean "nginx"?'],
    ['NGINX', 'did you mean "nginx"?'],
    ['postgres', 'did you mean "postgresql"?'],
    ['k8s', 'did you mean "kubernetes"?'],
    ['pg', 'did you mean "postgresql"? For the driver of Node.js, pass --import tcp-keepalive/register to node'],
    ['IORedis', 'did you mean "redis"? For the driver of Node.js, pass --import '],
    ['undici', 'For the driver of Node.js, pass --import tcp-keepalive/register to node (docs/drivers.md)'],
    ['sql', 'did you mean "postgresql" or "mysql" or '],
    ['mariadb', 'did you mean "mysql"?'],
    ['constructor', 'known are nginx, '],
    ['', 'known are nginx, '],
  ])('%j is unknown: %s', (name, hint) => {
    expect(errorOf(() => exportPolicy('30:5:3', name)).message).toContain(
      `unknown system ${JSON.stringify(name)}; ${hint}`,
    );
  });

  it('are 24, each once', () => {
    expect(dialectNames).toHaveLength(24);
    expect(new Set(dialectNames).size).toBe(24);
  });

  it('that are no string are refused', () => {
    for (const name of [undefined, null, 5, {}, Object.create(null)] as string[]) {
      expect(errorOf(() => importPolicy(name, '')).message).toMatch(/^unknown system /);
    }
    expect(errorOf(() => importPolicy('nginx', undefined as unknown as string)).message).toMatch(/must be a string/);
  });
});
