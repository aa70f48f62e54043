import { describe, expect, it } from 'vitest';
import { exampleConnection, exampleInfo, exampleRow, inState, off, on } from '../../../../test/host/example-row.js';
import { countVerdicts, groupRows } from '../../../host/list/groups.js';
import type { ConnectionRow } from '../../../host/list/row.js';
import { displayWidth } from '../../text/display-width.js';
import { renderConnections, renderCounts, renderGroups, renderSummary } from './text.js';

const owner = (pid: number, name: string) => {
  const found = { pid, name, fd: 5 };
  return { process: found, owners: [found] };
};

const rows: readonly ConnectionRow[] = [
  exampleRow(),
  exampleRow({
    ...owner(1204, 'node'),
    unit: String.raw`billing\x2dapi.service`,
    connection: exampleConnection({
      local: { address: '10.0.0.5', port: 41_222 },
      remote: { address: '203.0.113.177', port: 443 },
      timer: { kind: 'retransmission', expiresMs: 1504 },
      unanswered: 4,
      sendQueue: 18_344,
    }),
    keepAlive: { ...on, userTimeout: 45_000 },
  }),
  exampleRow({
    ...owner(41_877, 'redis-server'),
    unit: 'docker-3f2a9c0d1e4b.scope',
    container: 'docker:3f2a9c0d1e4b',
    connection: exampleConnection({
      family: 6,
      local: { address: '2001:db8:1:2:3:4:5:6', port: 6379 },
      remote: { address: '2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff', port: 60_100 },
      timer: null,
      info: exampleInfo({ lastDataReceivedMs: 90_000_000, lastAckReceivedMs: 90_100_000 }),
    }),
    keepAlive: off,
    verdict: 'unprotected',
  }),
  exampleRow({
    process: { pid: 77, name: 'nginx' },
    owners: [
      { pid: 77, name: 'nginx', fd: 6 },
      { pid: 78, name: 'nginx', fd: 6 },
    ],
    unit: 'nginx.service',
    connection: inState('LISTEN', {
      local: { address: '0.0.0.0', port: 443 },
      remote: { address: '0.0.0.0', port: 0 },
      timer: null,
    }),
    keepAlive: { ...on, idle: 7_200_000, interval: 75_000, count: 9 },
    verdict: 'slow',
  }),
  exampleRow({
    process: null,
    owners: [],
    unit: null,
    connection: inState('TIME_WAIT', { timer: { kind: 'timewait', expiresMs: 45_000 }, info: undefined }),
    keepAlive: null,
    verdict: null,
  }),
];

const ipv4 = rows.filter(({ connection }) => connection.family === 4);

const lines = (width: number, given = rows) => renderConnections(given, width).split('\n');
/** In a quoted line each, so that the spaces at its end show. */
const golden = (width: number, given = rows) =>
  lines(width, given)
    .map((line) => `|${line}|`)
    .join('\n');

describe('renderConnections', () => {
  it('at 80 columns', () =>
    expect(golden(80)).toMatchInlineSnapshot(`
      "|PROCESS       LOCAL                REMOTE               KEEPALIVE    VERDICT|
      |postgres/812  10.0.0.5:5432        10.0.7.21:49152      30:5:3       protected|
      |node/1204     10.0.0.5:41222       203.0.113.177:443    30:5:3:auto  protected|
      |redis…/41877  [2001:d…4:5:6]:6379  [2001:…:ffff]:60100  off          unprotected|
      |nginx/77 +1   0.0.0.0:443          -                    7200:75:9    slow|
      |-             10.0.0.5:5432        10.0.7.21:49152      ?            -|"
    `));
  it('at 120 columns', () =>
    expect(golden(120)).toMatchInlineSnapshot(`
      "|PROCESS            LOCAL                        REMOTE                                          KEEPALIVE    VERDICT|
      |postgres/812       10.0.0.5:5432                10.0.7.21:49152                                 30:5:3       protected|
      |node/1204          10.0.0.5:41222               203.0.113.177:443                               30:5:3:auto  protected|
      |redis-serv…/41877  [2001:db8:1:2:3:4:5:6]:6379  [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:60100  off          unprotected|
      |nginx/77 +1        0.0.0.0:443                  -                                               7200:75:9    slow|
      |-                  10.0.0.5:5432                10.0.7.21:49152                                 ?            -|"
    `));
  it('at 200 columns', () =>
    expect(golden(200)).toMatchInlineSnapshot(`
      "|PROCESS             UNIT              LOCAL                        REMOTE                                          STATE      KEEPALIVE    TIMER             UNANSWERED    HEARD  IN FLIGHT  VERDICT|
      |postgres/812        postgresql        10.0.0.5:5432                10.0.7.21:49152                                 ESTAB      30:5:3       keepalive 12 s             0     18 s        0 B  protected|
      |node/1204           billing-api       10.0.0.5:41222               203.0.113.177:443                               ESTAB      30:5:3:auto  retransmit 1.5 s           4     18 s    18.3 kB  protected|
      |redis-server/41877  docker:3f2a9c0d…  [2001:db8:1:2:3:4:5:6]:6379  [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:60100  ESTAB      off          -                          0  1 d 1 h        0 B  unprotected|
      |nginx/77 +1         nginx             0.0.0.0:443                  -                                               LISTEN     7200:75:9    -                          0        -          -  slow|
      |-                   -                 10.0.0.5:5432                10.0.7.21:49152                                 TIME-WAIT  ?            time-wait 45 s             0        -        0 B  -|"
    `));
  it('has the unanswered probes before the local address where each row has some', () => {
    const unanswered = rows.slice(0, 3).map((row) => ({ ...row, connection: { ...row.connection, unanswered: 2 } }));
    for (const width of [80, 70, 60])
      expect(lines(width, unanswered)[0]).toMatch(/^PROCESS +REMOTE .*(LOST|UNANSWERED) +VERDICT$/);
  });
  it('at 80 columns, IPv4 alone', () =>
    expect(golden(80, ipv4)).toMatchInlineSnapshot(`
      "|PROCESS       LOCAL           REMOTE             KEEPALIVE    LOST  VERDICT|
      |postgres/812  10.0.0.5:5432   10.0.7.21:49152    30:5:3          0  protected|
      |node/1204     10.0.0.5:41222  203.0.113.177:443  30:5:3:auto     4  protected|
      |nginx/77 +1   0.0.0.0:443     -                  7200:75:9       0  slow|
      |-             10.0.0.5:5432   10.0.7.21:49152    ?               0  -|"
    `));
  it('at 120 columns, IPv4 alone', () =>
    expect(golden(120, ipv4)).toMatchInlineSnapshot(`
      "|PROCESS       UNIT         LOCAL           REMOTE             STATE      KEEPALIVE    UNANSWERED  HEARD  VERDICT|
      |postgres/812  postgresql   10.0.0.5:5432   10.0.7.21:49152    ESTAB      30:5:3                0   18 s  protected|
      |node/1204     billing-api  10.0.0.5:41222  203.0.113.177:443  ESTAB      30:5:3:auto           4   18 s  protected|
      |nginx/77 +1   nginx        0.0.0.0:443     -                  LISTEN     7200:75:9             0      -  slow|
      |-             -            10.0.0.5:5432   10.0.7.21:49152    TIME-WAIT  ?                     0      -  -|"
    `));
  it('without a terminal', () =>
    expect(golden(Number.POSITIVE_INFINITY)).toMatchInlineSnapshot(`
      "|PROCESS             UNIT                 LOCAL                        REMOTE                                          STATE      KEEPALIVE    TIMER             UNANSWERED    HEARD  IN FLIGHT  VERDICT|
      |postgres/812        postgresql           10.0.0.5:5432                10.0.7.21:49152                                 ESTAB      30:5:3       keepalive 12 s             0     18 s        0 B  protected|
      |node/1204           billing-api          10.0.0.5:41222               203.0.113.177:443                               ESTAB      30:5:3:auto  retransmit 1.5 s           4     18 s    18.3 kB  protected|
      |redis-server/41877  docker:3f2a9c0d1e4b  [2001:db8:1:2:3:4:5:6]:6379  [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:60100  ESTAB      off          -                          0  1 d 1 h        0 B  unprotected|
      |nginx/77 +1         nginx                0.0.0.0:443                  -                                               LISTEN     7200:75:9    -                          0        -          -  slow|
      |-                   -                    10.0.0.5:5432                10.0.7.21:49152                                 TIME-WAIT  ?            time-wait 45 s             0        -        0 B  -|"
    `));

  it('has the verdict last of all in a narrow window, and tells where a listener listens', () => {
    const ends = (width: number) => lines(width).map((line) => line.replace(/ {2,}/g, '|'));
    expect(ends(60)[0]).toBe('PROCESS|REMOTE|KEEPALIVE|VERDICT');
    expect(ends(60)[4]).toBe('nginx/77 +1|listens :443|7200:75:9|slow');
    expect(ends(40)[3]).toMatch(/^redis…\/41877\|\[.*\]:60100\|unprotected$/);
    expect(ends(26)[0]).toBe('REMOTE|VERDICT');
    expect(ends(12)).toEqual(['VERDICT', 'protected', 'protected', 'unprotected', 'slow', '-']);
  });

  it('never has a line longer than the terminal, and never fewer lines than connections', () => {
    for (let width = 20; width <= 260; width += 1) {
      const rendered = lines(width);
      expect(rendered).toHaveLength(rows.length + 1);
      for (const line of rendered) expect(displayWidth(line)).toBeLessThanOrEqual(width);
    }
  });

  it('shortens no address while a column could still go', () => {
    for (let width = 80; width <= 260; width += 1) {
      const text = lines(width, ipv4).join('\n');
      expect(text).toContain('203.0.113.177:443');
      expect(text).toContain('10.0.0.5:41222');
    }
  });

  it('does not let the name of a process reach the terminal', () => {
    const [, line] = lines(200, [exampleRow(owner(9, '\u001b[2Jevil\u202e\n'))]);
    expect(line).toContain('\\x1b[2Jevil\\u202e\\x0a/9');
  });

  it('lines up names in characters of double width, and cuts them whole', () => {
    const [, , second] = lines(80, [exampleRow(), exampleRow(owner(123_456, '数据库服务器进程'))]);
    const [, first] = lines(80, [exampleRow(), exampleRow(owner(123_456, '数据库服务器进程'))]);
    const columnOf = (line = '') => displayWidth(line.slice(0, line.indexOf('10.0.0.5:')));
    expect(columnOf(second)).toBe(columnOf(first));
    expect(second).toMatch(/^数.*…?\/123456/);
  });

  it('is a title alone without connections', () => {
    expect(lines(80, [])).toHaveLength(1);
  });
});

const endsAt = (localPort: number, remotePort: number, netns = 1) => ({
  connection: exampleConnection({
    local: { address: '10.0.0.5', port: localPort },
    remote: { address: '10.0.0.6', port: remotePort },
    netns,
  }),
});
const web = { process: { pid: 7, name: 'nginx' }, unit: 'nginx.service' };
const listener = inState('LISTEN', { local: { address: '0.0.0.0', port: 60_000 }, netns: 1 });

const grouped: readonly ConnectionRow[] = [
  exampleRow({ ...web, connection: listener, verdict: null }),
  exampleRow({ ...web, ...endsAt(60_000, 40_000), verdict: 'unprotected' }),
  exampleRow({ ...web, process: { pid: 8, name: 'nginx' }, ...endsAt(60_000, 50_000), verdict: 'slow' }),
  exampleRow({ ...web, ...endsAt(50_001, 5432) }),
  exampleRow({ process: null, unit: null, ...endsAt(50_002, 5432), verdict: 'unprotected' }),
  exampleRow({ process: null, unit: null, container: 'docker:1', ...endsAt(443, 50_003), verdict: 'unprotected' }),
  exampleRow({ ...web, ...endsAt(60_000, 40_000, 2), keepAlive: null, verdict: null }),
];

it('says the counts in a sentence, and has a column for others only if there are some', () => {
  const others = [exampleRow({ connection: inState('TIME_WAIT', { inode: 0 }), keepAlive: null, verdict: null })];
  expect(renderCounts(countVerdicts(others))).toBe('1 connection: 1 other');
  expect(renderGroups(groupRows(others, 'port'), 'port', 80)).toMatch(/UNKNOWN {2}OTHER\n.* 0 {6}1$/);
  expect(renderCounts(countVerdicts(grouped))).toBe('6 connections: 3 unprotected, 1 slow, 1 protected, 1 unknown');
  expect(renderCounts(countVerdicts(grouped.slice(3, 4)))).toBe('1 connection: 1 protected');
  expect(renderCounts(countVerdicts([]))).toBe('0 connections');
});

describe('the summary', () => {
  const none = { connections: 0, listeners: 0, reasons: [] };

  it('has the listeners by the verdict of their connections, and those that could not be judged, with the reasons', () => {
    const listening = exampleRow({ connection: listener, verdict: 'unprotected' });
    const notJudged = { connections: 2, listeners: 1, reasons: ['not permitted: run as root'] };
    expect(renderSummary({ rows: [...grouped, listening], notJudged })).toBe(
      '6 connections: 3 unprotected, 1 slow, 1 protected, 1 unknown\n' +
        '1 listener: 1 unprotected\n' +
        '2 connections and 1 listener could not be judged (not permitted: run as root)',
    );
  });

  it('is one line where everything could be judged', () => {
    expect(renderSummary({ rows: grouped.slice(3, 4), notJudged: none })).toBe('1 connection: 1 protected');
    expect(renderSummary({ rows: [], notJudged: none })).toBe('0 connections');
    expect(renderSummary({ rows: [], notJudged: { ...none, listeners: 2, reasons: ['a', 'b'] } })).toBe(
      '0 connections\n2 listeners could not be judged (a; b)',
    );
  });
});

it('renders the groups', () => {
  expect(renderGroups(groupRows(grouped, 'process'), 'process', 80)).toMatchInlineSnapshot(`
    "PROCESS  CONNECTIONS  UNPROTECTED  SLOW  PROTECTED  UNKNOWN
    -                  2            2     0          0        0
    nginx              4            1     1          1        1"
  `);
});

it('drops the sums where the terminal is narrow', () => {
  const [title] = renderGroups(groupRows(grouped, 'unit'), 'unit', 44).split('\n');
  expect(title).toBe('UNIT      UNPROTECTED  SLOW  PROTECTED');
});
