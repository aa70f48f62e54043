import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import type { ConnectionJson } from '../../src/host/list/row.js';
import { type HostProcess, hostProcess, shownName } from '../../src/host/owners/processes.js';
import { detectionTime, getKeepAlive, setKeepAlive } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { infoOf, moment, quietRange } from '../kernel/observation.js';
import { hasIPv6 } from '../peers.js';
import { cannotRun } from '../requirement.js';
import { runCli } from './run-cli.js';

const noIPv6 = cannotRun(!hasIPv6, 'there is no IPv6 here');
const retries2 = Number(readFileSync('/proc/sys/net/ipv4/tcp_retries2', 'utf8'));
const programOf = (pid: number) => shownName(hostProcess(pid) as HostProcess);
const name = () => readFileSync('/proc/self/comm', 'utf8').trim();

interface ListJson {
  readonly connections: ConnectionJson[];
  readonly incomplete: { what: string; why: string }[];
}

async function list(...args: string[]): Promise<ListJson> {
  const { code, stdout, stderr } = await runCli('ls', '--json', ...args);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

/** Lists with filters that nothing has: says so in a sentence, with exit code 1. */
async function listNone(...args: string[]): Promise<ConnectionJson[]> {
  const { code, stdout, stderr } = await runCli('ls', '--json', ...args);
  expect(stderr).toMatch(/^tcp-keepalive: .*(no|together).*\n$/);
  expect(code).toBe(1);
  return (JSON.parse(stdout) as ListJson).connections;
}

/** The filters that mean this end of a connection and no other. */
const end = (socket: net.Socket) => ['--port', `local:${socket.localPort}`, '--pid', `${process.pid}`];

/** As `list`, but only of this process. */
const listOwn = (...args: string[]) => list('--pid', `${process.pid}`, ...args);

const localPorts = ({ connections }: ListJson) => connections.map(({ local }) => local.port).sort();
const ports = (...sockets: net.Socket[]) => sockets.map(({ localPort }) => localPort).sort();

describe('tcp-keepalive ls --json', () => {
  it('says of a connection what the contract names, and nothing else', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    setKeepAlive(server, '30:5:3:45s');
    await moment(() => infoOf(server).lastAckReceivedMs >= 100, 'some quiet');
    const [quietMs, pid] = [infoOf(server).lastAckReceivedMs, process.pid];
    const { connections, incomplete } = await list(...end(server));
    expect(incomplete).toEqual([]);
    expect(connections).toEqual([
      {
        local: { address: '127.0.0.1', port: server.localPort },
        remote: { address: '127.0.0.1', port: client.localPort },
        state: 'ESTABLISHED',
        keepAlive: { enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: 45_000 },
        timer: { kind: 'keepalive', expiresMs: expect.any(Number) },
        unanswered: 0,
        lastHeardMs: expect.any(Number),
        process: { pid, name: name(), program: programOf(pid), command: hostProcess(pid)?.command?.slice(0, 1000) },
        unit: null,
        cgroup: connections[0]?.cgroup,
        netns: statSync('/proc/self/ns/net').ino,
        verdict: 'protected',
        detection: { quietMs: expect.any(Number), inFlightMs: expect.any(Number) },
      },
    ]);
    const [row] = connections;
    // Both are of the same moment, and the timer fires when it has been quiet for as long as idle says.
    const firesAfterMs = (row?.lastHeardMs ?? 0) + (row?.timer?.expiresMs ?? 0);
    expect(firesAfterMs).toBeGreaterThanOrEqual(quietRange(30_000).earliestMs);
    expect(firesAfterMs).toBeLessThanOrEqual(quietRange(30_000).latestMs + 250);
    expect(row?.lastHeardMs).toBeGreaterThanOrEqual(quietMs);
    expect(row?.lastHeardMs).toBeLessThanOrEqual(infoOf(server).lastAckReceivedMs);
  });

  it('counts unanswered probes and the time since the peer was heard', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    crashPeer(client);
    setKeepAlive(server, '1:30:3');
    await moment(() => infoOf(server).probes === 1, 'a probe');
    const { connections } = await list(...end(server));
    expect(connections).toMatchObject([{ unanswered: 1, timer: { kind: 'keepalive' } }]);
    expect(connections[0]?.lastHeardMs).toBeGreaterThanOrEqual(1000);
  });

  it('counts unanswered probes also where keepalive was turned off meanwhile', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    crashPeer(client);
    setKeepAlive(server, '1:30:3');
    await moment(() => infoOf(server).probes === 1, 'a probe');
    setKeepAlive(server, false);
    const { connections } = await list(...end(server));
    expect(connections).toMatchObject([{ keepAlive: { enabled: false }, timer: null, unanswered: 1 }]);
  });

  it('judges the state of now: unanswered data without a user timeout is not protected', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    setKeepAlive(server, '5:1:3');
    const listed = async (...args: string[]) => (await list(...end(server), ...args)).connections[0];
    const quiet = await listed('--within', '10s');
    expect(quiet).toMatchObject({ verdict: 'protected' });
    crashPeer(client);
    server.write('lost');
    await moment(() => infoOf(server).retransmits > 0, 'a retransmission');
    const unanswered = await listed('--within', '10s');
    expect(unanswered).toMatchObject({ verdict: 'slow', keepAlive: { enabled: true, idle: 5000 } });
    const { quietMs, inFlightMs } = unanswered?.detection ?? {};
    expect(quietMs).toBe(detectionTime('5:1:3:0').latestMs);
    expect(quiet?.detection?.quietMs).toBe(quietMs);
    expect(inFlightMs).toBeGreaterThanOrEqual(detectionTime('5:1:3:0', 'data-in-flight', { retries2 }).earliestMs);
    expect(await listed('--within', `${inFlightMs}ms`)).toMatchObject({ verdict: 'protected' });
    expect(await listed('--within', '400s')).toMatchObject({ verdict: 'slow' });
    setKeepAlive(server, '5:1:3:300s');
    const guarded = await listed('--within', '400s');
    expect(guarded).toMatchObject({ verdict: 'protected' });
    expect(guarded?.detection?.inFlightMs).toBeGreaterThanOrEqual(300_000);
    setKeepAlive(server, false);
    expect(await listed()).toMatchObject({ verdict: 'unprotected', detection: { quietMs: null } });
  });

  it('shows data in flight as a running retransmission', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    crashPeer(client);
    server.write('lost');
    await moment(() => infoOf(server).retransmits > 1, 'retransmissions');
    const { connections } = await list(...end(server));
    expect(connections).toMatchObject([{ timer: { kind: 'retransmission' } }]);
    expect(connections[0]?.unanswered).toBeGreaterThan(1);
  });

  it.skipIf(noIPv6)('shows IPv6 as IPv6 and mapped addresses as IPv4, and selects both by block', async () => {
    using pair = await loopbackPair({ family: 6 });
    const six = await list(...end(pair.server));
    expect(six.connections).toMatchObject([{ local: { address: '::1' }, remote: { address: '::1' } }]);
    const server = net.createServer().listen(0, '::');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const client = net.connect(port, '127.0.0.1');
    const [accepted] = (await once(server, 'connection')) as [net.Socket];
    const mapped = await listOwn('--port', `local:${port}`, '--remote', '127.0.0.0/8');
    expect(mapped.connections).toMatchObject([
      { local: { address: '127.0.0.1', port }, remote: { address: '127.0.0.1', port: client.localPort } },
    ]);
    const own = ['--pid', `${process.pid}`, '--port', `local:${port}`];
    expect(await listNone(...own, '--remote', '::1')).toEqual([]);
    const local = await list(...own, '--local', '127.0.0.0/8');
    expect(local.connections).toMatchObject([{ local: { address: '127.0.0.1' }, state: 'ESTABLISHED' }]);
    const ofEvery = await list(...own, '--local', '::');
    expect(ofEvery.connections).toMatchObject([{ local: { address: '::' }, state: 'LISTEN' }]);
    for (const socket of [client, accepted]) socket.destroy();
    server.close();
  });

  it('shows a listener with its options and the verdict of its connections, without timer and peer', async () => {
    const server = net.createServer();
    setKeepAlive(server, '30:5:3');
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const { connections } = await listOwn('--port', `${port}`);
    const ofAnyPeer = await listNone('--pid', `${process.pid}`, '--port', `${port}`, '--remote', '0.0.0.0/0');
    server.close();
    expect(connections).toMatchObject([
      {
        local: { address: '127.0.0.1', port },
        remote: { address: '0.0.0.0', port: 0 },
        state: 'LISTEN',
        keepAlive: { enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: 0 },
        timer: null,
        lastHeardMs: null,
        verdict: 'protected',
      },
    ]);
    expect(ofAnyPeer, 'a listener has no peer').toEqual([]);
  });

  it('shows TIME_WAIT with --all-states only, without process and options', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    const port = `${server.localPort}`;
    const clientPort = client.localPort;
    // Another program may have used the same port with another peer.
    const listed = async (...args: string[]) => {
      const { stdout } = await runCli('ls', '--json', '--port', port, ...args);
      return (JSON.parse(stdout) as ListJson).connections.filter(({ remote }) => remote.port === clientPort);
    };
    const ended = [once(client, 'close'), once(server, 'close')];
    server.end();
    client.on('end', () => client.end()).resume();
    server.resume();
    await Promise.all(ended);
    expect(await listed()).toEqual([]);
    const connections = await listed('--all-states');
    const timewait = { state: 'TIME_WAIT', keepAlive: null, process: null, verdict: null, lastHeardMs: null };
    expect(connections).toMatchObject([{ ...timewait, timer: { kind: 'timewait' } }]);
    expect(await listed('--state', 'time-wait')).toHaveLength(1);
  });
});

describe('the filters of tcp-keepalive ls', () => {
  it('--port takes one end, either, ranges and lists', async () => {
    using first = await loopbackPair();
    using second = await loopbackPair();
    const [a, b] = [first.server.localPort as number, second.server.localPort as number];
    expect(localPorts(await listOwn('--port', `local:${a}`))).toEqual(ports(first.server));
    expect(localPorts(await listOwn('--port', `remote:${a}`))).toEqual(ports(first.client));
    expect(localPorts(await listOwn('--port', `${a}`))).toEqual(ports(first.client, first.server));
    expect(localPorts(await listOwn('--port', `local:${a},local:${b}`))).toEqual(ports(first.server, second.server));
    expect(localPorts(await listOwn('--port', `local:${a}`, '--port', `remote:${b}`))).toEqual(
      ports(first.server, second.client),
    );
    const [low, high] = [Math.min(a, b), Math.max(a, b)];
    const range = localPorts(await listOwn('--port', `local:${low}-${high}`));
    expect(range).toEqual(expect.arrayContaining(ports(first.server, second.server)));
    expect(range.every((port) => port >= low && port <= high)).toBe(true);
  });

  it('--pid, --process and --state narrow it down, and all given must hold', async () => {
    using pair = await loopbackPair();
    const pid = String(process.pid);
    const port = (filter: readonly string[]) =>
      filter.includes('--pid') ? end(pair.server).slice(0, 2) : end(pair.server);
    for (const filter of [
      ['--pid', pid],
      ['--pid', `1,${pid}`],
      ['--process', name()],
      ['--process', `${name().slice(0, 2)}*`],
      ['--state', 'established'],
      ['--remote', '127.0.0.1'],
      ['--remote', '127.0.0.0/8'],
      ['--local', '127.0.0.1'],
      ['--local', '127.0.0.0/8,::1'],
      ['--cgroup', '/'],
    ]) {
      expect((await list(...port(filter), ...filter)).connections, filter.join(' ')).toHaveLength(1);
    }
    const ofNoState = ['--state', 'close-wait,listen'];
    expect((await list(...port(ofNoState), ...ofNoState)).connections).toEqual([]);
    for (const filter of [
      ['--pid', '1'],
      ['--process', 'no-such-program'],
      ['--command', 'no such command'],
      ['--remote', '10.0.0.0/8'],
      ['--local', '10.0.0.0/8'],
      ['--cgroup', '/no/such/cgroup'],
      ['--unit', 'no-such-unit'],
      ['--pid', '1', '--process', name()],
    ]) {
      expect(await listNone(...port(filter), ...filter), filter.join(' ')).toEqual([]);
    }
  });

  it('--cgroup selects by the cgroup that it shows', async () => {
    using pair = await loopbackPair();
    const port = end(pair.server);
    const { cgroup } = (await list(...port)).connections[0] as ConnectionJson;
    expect(cgroup).toMatch(/^\//);
    expect((await list(...port, '--cgroup', cgroup as string)).connections).toHaveLength(1);
  });

  it('--silent-for and --unanswered judge what is now: nothing is an answer, with exit code 0', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    const both = async (...args: string[]) => localPorts(await list(...end(server), ...args));
    expect(await both('--silent-for', '1h')).toEqual([]);
    expect(await both('--unanswered')).toEqual([]);
    await moment(() => infoOf(server).lastAckReceivedMs >= 300, 'some quiet');
    expect(await both('--silent-for', '300ms')).toEqual(ports(server));
    crashPeer(client);
    server.write('lost');
    await moment(() => infoOf(server).retransmits > 0, 'a retransmission');
    expect(await both('--unanswered')).toEqual(ports(server));
    expect(await both('--unanswered', '--silent-for', '300ms', '--command', '*')).toEqual(ports(server));
  });

  it('--verdict goes by --within', async () => {
    using pair = await loopbackPair();
    const { server } = pair;
    const verdict = async (...args: string[]) =>
      (await list(...end(server), ...args)).connections.map((row) => row.verdict);
    expect(await verdict()).toEqual(['unprotected']);
    setKeepAlive(server, '30:5:3');
    expect(await verdict()).toEqual(['protected']);
    expect(await verdict('--within', '40s')).toEqual(['slow']);
    expect(await verdict('--within', '40')).toEqual(['slow']);
    setKeepAlive(server, '600:5:3');
    expect(await verdict()).toEqual(['slow']);
    expect(await verdict('--within', '15m')).toEqual(['protected']);
    expect(await verdict('--verdict', 'slow')).toEqual(['slow']);
    expect(await verdict('--verdict', 'slow', '--within', '15m')).toEqual([]);
    expect(await verdict('--verdict', 'unprotected,protected')).toEqual([]);
  });
});

describe('what tcp-keepalive ls leaves out or puts together', () => {
  it('--fast leaves the options out, and says no verdict', async () => {
    using pair = await loopbackPair();
    setKeepAlive(pair.server, '30:5:3');
    const { connections } = await list('--fast', ...end(pair.server));
    expect(connections).toMatchObject([{ keepAlive: null, verdict: null, process: { pid: process.pid } }]);
    expect(connections[0]?.timer?.kind).toBe('keepalive');
  });

  it('--sort orders, and a - before the key turns it round', async () => {
    using slow = await loopbackPair();
    using swift = await loopbackPair();
    using never = await loopbackPair();
    setKeepAlive(slow.server, '600:5:3');
    setKeepAlive(swift.server, '30:5:3');
    const numbers = [slow, swift, never].map(({ server }) => server.localPort as number);
    const order = async (key: string) =>
      (await listOwn('--port', numbers.map((port) => `local:${port}`).join(','), `--sort=${key}`)).connections.map(
        ({ local }) => numbers.indexOf(local.port),
      );
    expect(await order('idle')).toEqual([1, 0, 2]);
    expect(await order('-idle')).toEqual([0, 1, 2]);
    expect(await order('verdict')).toEqual([2, 0, 1]);
    const rising = [...numbers].sort((a, b) => a - b).map((port) => numbers.indexOf(port));
    expect(await order('port')).toEqual(rising);
    expect(await order('-port')).toEqual([...rising].reverse());
  });

  it('--group counts connections by verdict for each process or port', async () => {
    using good = await loopbackPair();
    using bad = await loopbackPair();
    setKeepAlive(good.server, '30:5:3');
    const args = ['--pid', `${process.pid}`, '--port', `local:${good.server.localPort},local:${bad.server.localPort}`];
    const groups = async (by: string) => {
      const { code, stdout } = await runCli('ls', '--json', '--group', by, ...args);
      expect(code).toBe(0);
      return JSON.parse(stdout).groups;
    };
    expect(await groups('process')).toEqual([
      { name: programOf(process.pid), connections: 2, unprotected: 1, slow: 0, protected: 1, unknown: 0, other: 0 },
    ]);
    expect(await groups('port')).toHaveLength(2);
    const table = await runCli('ls', '--group', 'process', ...args);
    expect(table.stdout).toMatch(/^PROCESS +CONNECTIONS +UNPROTECTED +SLOW +PROTECTED +UNKNOWN$/m);
    expect(table.stdout).toMatch(/^2 connections: 1 unprotected, 1 protected$/m);
  });

  it('prints all there is where the output is no terminal', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    const { code, stdout, stderr } = await runCli('ls', ...end(server));
    expect(stdout).toMatch(/^PROCESS +UNIT +LOCAL +REMOTE +STATE +KEEPALIVE +TIMER +UNANSWERED +HEARD +IN FLIGHT/);
    const ends = `127\\.0\\.0\\.1:${server.localPort} +127\\.0\\.0\\.1:${client.localPort}`;
    expect(stdout).toMatch(
      new RegExp(`^${programOf(process.pid)}/${process.pid} +- +${ends} +ESTAB +off +- .* unprotected$`, 'm'),
    );
    expect(stdout).toMatch(/\n\n1 connection: 1 unprotected\n$/);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('changes nothing', async () => {
    using pair = await loopbackPair();
    setKeepAlive(pair.server, '7:8:9:10s');
    const before = [pair.client, pair.server].map(getKeepAlive);
    await list('--pid', `${process.pid}`);
    expect([pair.client, pair.server].map(getKeepAlive)).toEqual(before);
  });

  it('helps with examples', async () => {
    const { code, stdout } = await runCli('ls', '--help');
    expect(code).toBe(0);
    expect(stdout).toContain('$ tcp-keepalive ls --verdict unprotected');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });
});
