import type net from 'node:net';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { ConnectionJson } from '../../src/host/list/row.js';
import { detectionTime, middleboxOf, recommendedIdle, setKeepAlive } from '../../src/index.js';
import { listConnections, parseSelection } from '../../src/linux.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { infoOf, moment } from '../kernel/observation.js';
import { runCli } from './run-cli.js';
import { onTerminal } from './terminal.js';

/** The filters that mean this end of a connection and no other. */
const end = (socket: net.Socket) => ['--port', `local:${socket.localPort}`, '--pid', `${process.pid}`];

async function listed(socket: net.Socket, ...args: string[]) {
  const { stdout, stderr, code } = await runCli('ls', '--json', ...end(socket), '--state', 'established', ...args);
  const { connections, behind } = JSON.parse(stdout) as { connections: ConnectionJson[]; behind?: unknown };
  return { row: connections[0] as ConnectionJson, connections, behind, stderr, code };
}

describe.concurrent('ls --behind', () => {
  it.each([
    ['30:5:3:auto', 'aws-nlb', 'protected'],
    ['340:5:3', 'aws-nlb', 'exposed'],
    ['340:5:3', '400s', 'slow'],
    ['30:5:3:auto', '30s', 'exposed'],
    ['7200:75:9', 'linux-conntrack', 'slow'],
    [false, 'azure-lb', 'unprotected'],
  ] as const)('judges %j behind %s as %s', async (policy, middlebox, verdict) => {
    using pair = await loopbackPair();
    setKeepAlive(pair.server, policy);
    const { row, code, stderr, behind } = await listed(pair.server, '--behind', middlebox);
    expect([code, stderr]).toEqual([0, '']);
    const { timeoutMs } = middleboxOf(middlebox);
    const isLate = verdict === 'exposed' || verdict === 'unprotected';
    expect(row).toMatchObject({
      verdict,
      behind: {
        timeoutMs,
        firstProbeMs: policy === false ? null : detectionTime(policy, 'rebooted').latestMs,
        dropInMs: isLate ? (timeoutMs as number) - (row.lastHeardMs as number) : null,
      },
    });
    expect(behind).toEqual({ ...middleboxOf(middlebox), recommendedIdleMs: recommendedIdle(middlebox) });
  });

  it('changes nothing where it is not asked for', async () => {
    using pair = await loopbackPair();
    setKeepAlive(pair.server, '340:5:3');
    const { row, behind } = await listed(pair.server);
    expect(row).toMatchObject({ verdict: 'slow' });
    expect(row).not.toHaveProperty('behind');
    expect(behind).toBeUndefined();
    const groups = await runCli('ls', ...end(pair.server), '--group', 'port', '--json');
    expect(groups.stdout).not.toContain('exposed');
    expect((await runCli('ls', ...end(pair.server))).stdout).not.toMatch(/exposed|DROPPED|idle timeout/);
  });

  it('keeps the promise of a row that is not exposed: the kernel probes before the timeout', async () => {
    using pair = await loopbackPair();
    const { server } = pair;
    const idle = recommendedIdle('4s', '1s') as number;
    const selection = parseSelection({
      pid: `${process.pid}`,
      port: `local:${server.localPort}`,
      state: 'established',
    });
    const rowBehind = (behind: string) => listConnections({ selection, behind }).rows[0];
    setKeepAlive(server, { idle, interval: 1000, count: 100 });
    expect(rowBehind('4s')).toMatchObject({ verdict: 'slow', behind: { dropInMs: null } });
    crashPeer(pair.client);
    const quietWithoutProbe: number[] = [];
    await moment(() => {
      const { probes, lastAckReceivedMs } = infoOf(server);
      if (probes === 0) quietWithoutProbe.push(lastAckReceivedMs);
      return probes > 0;
    }, 'the first probe');
    expect(Math.max(...quietWithoutProbe)).toBeLessThan(4000);
    // All probes came after a timeout of idle or less. Whether one came before a longer timeout cannot be told.
    expect(rowBehind('1500ms')).toMatchObject({ verdict: 'exposed', behind: { dropInMs: expect.any(Number) } });
    expect(rowBehind(`${idle + 1}ms`)).toMatchObject({ verdict: 'exposed', behind: { dropInMs: null } });
  });

  it('knows no time while data are in flight, which are sent again', async () => {
    using pair = await loopbackPair();
    const { server } = pair;
    setKeepAlive(server, '340:5:3');
    crashPeer(pair.client);
    server.write('lost');
    await moment(() => infoOf(server).retransmits > 0, 'a retransmission');
    const { row } = await listed(server, '--behind', 'aws-nlb');
    expect(row).toMatchObject({ verdict: 'exposed', behind: { dropInMs: null } });
  });

  it('says in the table and in words by when the connection is dropped', async () => {
    using pair = await loopbackPair();
    setKeepAlive(pair.server, '340:5:3');
    await moment(() => infoOf(pair.server).lastAckReceivedMs > 1100, 'some quiet');
    const args = [...end(pair.server), '--state', 'established', '--behind', 'aws-nlb'];
    const { stdout, stderr } = await runCli('ls', ...args, '--explain');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/ DROPPED +VERDICT\n.* in 5 min \d\d s +exposed\n/);
    expect(stdout).toMatch(
      /340:5:3, exposed .*the first probe can come 6 min \d+ s after the last packet: dropped 5 min 50 s after it was last heard, in 5 min \d\d s\n/,
    );
    expect(stdout).toMatch(
      /^1 connection: 1 exposed\nbehind AWS NLB, TCP listener: idle timeout 5 min 50 s; safe with/m,
    );
    const group = await runCli('ls', ...args, '--group', 'port');
    expect(group.stdout).toMatch(/ UNPROTECTED +EXPOSED +SLOW /);
  });

  it.each([60, 80])('fits a window of %i columns', async (cols) => {
    using pair = await loopbackPair();
    setKeepAlive(pair.server, '340:5:3');
    const args = [...end(pair.server), '--state', 'established', '--behind', 'aws-nlb', '--explain'];
    const { stdout } = await onTerminal(cols, 40, 'ls', ...args).result;
    const lines = stripVTControlCharacters(stdout).split('\r\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(cols);
    expect(lines[1]).toMatch(/exposed$/);
    expect(/DROPPED/.test(lines[0] ?? '')).toBe(cols === 80);
    expect(lines.join(' ')).toMatch(/dropped +5 min +50 s/);
  });

  it.each([
    ['aws-alb', 'slow', 3, /^tcp-keepalive: keepalive does not count at AWS Application.*HTTP\/2 PING.*\n$/],
    ['haproxy', 'slow', 3, /^tcp-keepalive: keepalive does not count at HAProxy, .*its own timeout\n$/],
    ['kemp', 'slow', 3, /^tcp-keepalive: whether keepalive counts at Kemp LoadMaster is not known.*\n$/],
  ])('says in one line what is not known of %s', async (middlebox, verdict, exitCode, line) => {
    using pair = await loopbackPair();
    setKeepAlive(pair.server, '340:5:3');
    const { row, code, stderr } = await listed(pair.server, '--behind', middlebox);
    expect(row.verdict).toBe(verdict);
    expect(stderr).toMatch(line);
    expect(code).toBe(exitCode);
    expect('behind' in row).toBe(middlebox === 'kemp');
  });

  it('does not take an empty list for an answer where it is not known whether probes count', async () => {
    using pair = await loopbackPair();
    setKeepAlive(pair.server, '30:5:3:auto');
    const { connections, code } = await listed(pair.server, '--verdict', 'exposed', '--behind', 'kemp');
    expect([connections, code]).toEqual([[], 3]);
  });

  it('selects exposed connections, for ls and for set, and ends with their exit code', async () => {
    using exposed = await loopbackPair();
    using safe = await loopbackPair();
    setKeepAlive(exposed.server, '340:5:3');
    setKeepAlive(safe.server, '30:5:3:auto');
    const ports = `local:${exposed.server.localPort},local:${safe.server.localPort}`;
    const both = ['--pid', `${process.pid}`, '--port', ports, '--state', 'established', '--behind', 'aws-nlb'];
    const { connections } = await listed(safe.server, '--port', ports, '--verdict', 'exposed', '--behind', 'aws-nlb');
    expect(connections.map(({ local }) => local.port)).toEqual([exposed.server.localPort]);
    expect((await runCli('ls', ...both, '--fail-on', 'exposed')).code).toBe(2);
    expect((await runCli('ls', ...both, '--fail-on', 'slow,unprotected')).code).toBe(0);
    const { stdout, code } = await runCli('set', '300:5:3', ...both, '--verdict', 'exposed');
    expect(code).toBe(0);
    expect(stdout).toMatch(/ 340:5:3 +300:5:3\n\n1 connection changed\n$/);
    expect((await runCli('ls', ...both, '--fail-on', 'exposed')).code).toBe(0);
    setKeepAlive(safe.server, false);
    expect((await runCli('ls', ...both, '--fail-on', 'exposed')).code).toBe(2);
    const { stdout: off } = await runCli('set', '300:5:3', ...both, '--verdict', 'exposed');
    expect(off).toMatch(/ off user-timeout 45 +300:5:3:45\n\n1 connection changed\n$/);
    expect((await runCli('ls', ...both, '--fail-on', 'exposed')).code).toBe(0);
    expect((await runCli('set', '300:5:3', ...both, '--verdict', 'exposed', '--quiet')).code).toBe(0);
  });

  it.each([
    [['ls', '--behind', 'aws-nlb,azure-lb'], /One middlebox: that which forgets first\.$/],
    [['ls', '--behind', 'aws-lb'], /did you mean "aws-nlb", "aws-alb", "aws-clb", "aws-gwlb"\?$/],
    [['ls', '--behind', '350000'], /did you mean '350s'\?/],
    [['ls', '--behind', '0'], /the timeout is above 0/],
    [['ls', '--behind', ''], /got ""$/],
    [['ls', '--behind', 'mobile-carrier'], /got "mobile-carrier"; most over 30 min, a few under 5 min$/],
    [['ls', '--behind', 'aws-nlb', '--fast'], /'--fast' cannot be used with option '--behind/],
    [['ls', '--verdict', 'exposed'], /'exposed' takes a middlebox \(--behind of ls and set\), got "exposed"$/],
    [['ls', '--fail-on', 'exposed'], /--fail-on exposed takes --behind$/],
    [['set', '30:5:3', '--verdict', 'exposed'], /'exposed' takes a middlebox/],
    [['set', '30:5:3', '--all', '--behind', 'nlb'], /did you mean "aws-nlb"/],
    [['check', '--verdict', 'exposed'], /'exposed' takes a middlebox/],
  ])('refuses %j in one line', async (args, line) => {
    const { code, stdout, stderr } = await runCli(...args, '--pid', `${process.pid}`);
    expect(stderr.trim()).toMatch(/^tcp-keepalive: [^\n]*$/);
    expect(stderr.trim()).toMatch(line);
    expect([code, stdout]).toEqual([1, '']);
  });
});

describe('listConnections({ behind })', () => {
  const query = (socket: net.Socket) => ({
    selection: parseSelection({ pid: `${process.pid}`, port: `local:${socket.localPort}`, state: 'established' }),
  });

  it('judges as ls does, for a name, a duration and a number of milliseconds', async () => {
    using pair = await loopbackPair();
    setKeepAlive(pair.server, '340:5:3');
    for (const behind of ['aws-nlb', '350s', 350_000]) {
      const listing = listConnections({ ...query(pair.server), behind });
      expect(listing.rows).toMatchObject([{ verdict: 'exposed', behind: { timeoutMs: 350_000 } }]);
      expect(listing.behind).toEqual(middleboxOf(behind));
    }
    expect(listConnections(query(pair.server))).not.toHaveProperty('behind');
  });

  it.each([null, {}, true, 'aws-lb', -1, 0, 'mobile-carrier'])('refuses %j', (behind) => {
    expect(() => listConnections({ behind: behind as never })).toThrow(/^listConnections: behind must be a middlebox/);
  });

  it('refuses a selection of exposed connections without a middlebox', () => {
    expect(() => listConnections({ selection: { verdict: ['exposed'] } })).toThrow(/'exposed' takes a middlebox/);
    expect(() => listConnections({ selection: { verdict: ['exposed'] }, behind: 'aws-nlb' })).not.toThrow();
  });
});
