import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { end, freePort } from '../drivers/servers/server-program.js';
import { finished, program, runCli } from './run-cli.js';
import { onTerminal } from './terminal.js';

let server: ChildProcessWithoutNullStreams;
let port: number;
const sockets = new Set<net.Socket>();
const closing = net.createServer((socket) => {
  sockets.add(socket.on('error', () => {}).resume());
  setTimeout(() => socket.end(), 2500);
});

const portOf = (listener: net.Server) => (listener.address() as net.AddressInfo).port;

beforeAll(async () => {
  port = await freePort();
  server = spawn(process.execPath, [program, 'nat', 'serve', '--port', String(port), '--host', '127.0.0.1']);
  const [text] = await once(server.stdout, 'data');
  expect(String(text)).toBe(`listening on 127.0.0.1:${port}, until Ctrl+C\n`);
  closing.listen(0, '127.0.0.1');
  await once(closing, 'listening');
});
afterAll(async () => {
  await end(server);
  closing.close();
  for (const socket of sockets) socket.destroy();
});

const target = () => `127.0.0.1:${port}`;
const short = ['--min', '1s', '--max', '3s'];

function start(...args: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [program, 'nat', ...args]);
}

describe.concurrent('nat', () => {
  it('ends in the recommended idle time and the text of the policy', async () => {
    const { code, stdout, stderr } = await runCli('nat', target(), ...short);
    expect(stdout).toMatch(
      /^An idle connection to 127\.0\.0\.1:\d+ lives for at least 3\.\d s: none was lost\.\nRecommended idle: 1 s: the latest first probe and one repeat leave within 3\.\d s\.\nWith needs of your own: tcp-keepalive plan --behind 3s --tolerate 10s\nPolicy: 1:1:3\n$/,
    );
    expect([code, stderr]).toEqual([0, '']);
  });

  it('prints the same as JSON', async () => {
    const { code, stdout } = await runCli('nat', target(), ...short, '--json', '--connections', '4');
    const { aliveMs, connections, trials, ...rest } = JSON.parse(stdout);
    expect(rest).toEqual({
      ...{ lostMs: null, how: 'survived', recommendedIdle: 1000, policy: '1:1:3', disagreements: [] },
      ...{ address: '127.0.0.1', port, incomplete: [] },
    });
    expect([code, connections, trials.length]).toEqual([0, 4, 4]);
    expect(aliveMs).toBeGreaterThanOrEqual(3000);
  });

  it('measures from the end of the server', async () => {
    const { code, stdout } = await runCli('nat', target(), ...short, '--from-server');
    expect(stdout).toMatch(/lives for at least [23]\.\d s: none was lost/);
    expect(code).toBe(0);
  });

  it('says that the server closed the connection, and that keepalive does not change that', async () => {
    const { code, stdout } = await runCli('nat', `127.0.0.1:${portOf(closing)}`, '--min', '1s', '--max', '5s');
    expect(stdout).toMatch(
      /^The server at 127\.0\.0\.1:\d+, or a proxy in front of it, closed an idle connection after [23]\.\d s with FIN\./,
    );
    expect(stdout).toMatch(/\nKeepalive does not change that: [^\n]+\nRecommended idle: [\s\S]+\nPolicy: 1:1:3\n$/);
    expect(code).toBe(3);
  });

  it.each([
    [
      6000,
      3,
      /^An idle connection to \S+ lives for at least [\d.]+ s: none was lost\.\n/,
      'not measured to the end: interrupted',
    ],
    [200, 1, /^$/, 'interrupted: nothing is known yet'],
  ])('prints at Ctrl+C after %i ms what is known', async (ms, code, known, message) => {
    // The second connection rests for about 8 s, the others for longer.
    const tolerant = net.createServer((socket) => void socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
    await once(tolerant, 'listening');
    const child = start(`127.0.0.1:${portOf(tolerant)}`, '--min', '1s', '--max', '1h', '--connections', '5');
    const result = finished(child);
    await once(tolerant, 'connection');
    setTimeout(() => child.kill('SIGINT'), ms);
    const { stdout, ...rest } = await result;
    expect(stdout).toMatch(known);
    expect(rest).toEqual({ code, stderr: `tcp-keepalive: ${message}\n` });
    tolerant.close();
  });

  it('says that the port of a server is taken, and what to do', async () => {
    const { code, stdout, stderr } = await runCli('nat', 'serve', '--port', String(port), '--host', '127.0.0.1');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^tcp-keepalive: listen EADDRINUSE: .*: choose another --port, or end that program\n$/);
  });

  it('shows on a terminal how far it is, in one line of 60 columns, and removes the line', async () => {
    const terminal = onTerminal(60, 20, 'nat', target(), '--min', '1s', '--max', '8s');
    await terminal.shows(/^pass 1, at most \d+(\.\d)? s left: \d+ connections? at rest(, alive after \d\.\d s)?/);
    expect((await terminal.result).code).toBe(0);
    const text = await terminal.text();
    expect(text).toMatch(/^An idle connection to 127\.0\.0\.1:\d+ lives for at least\n8\.\d s: none was lost\./);
    expect(text).not.toContain('pass 1');
  });

  it.each([
    [[], /^tcp-keepalive: missing required argument 'host:port'/],
    [['db.example'], /A host and a port are needed, such as 'db\.example:5432' or '\[2001:db8::1\]:443'/],
    [['https://db.example:1'], /A host and a port are needed/],
    [['::1:80'], /A host and a port are needed/],
    [['h:0'], /A port is a whole number from 1 to 65535/],
    [['h:1', '--connections', '1'], /A whole number from 2 to 1000 is needed/],
    [['h:1', '--min', '1m', '--max', '30s'], /--max is 30 s and must be longer than --min, which is 60 s/],
    [['h:1', '--min', '30000'], /did you mean '30s'/],
    [['h:1', '--min', '999ms'], /argument '999ms' is invalid\. A duration from 1 s to 24 h is needed, such as '60s'/],
    [['h:1', '--max', '25h'], /argument '25h' is invalid\. A duration from 1 s to 24 h is needed/],
    [[`${'a'.repeat(300)}:1`], /host must be the name or address of a host, got "a{60}"\.\.\./],
    [['[fe80::1]:1'], /host must be an address with its zone if it is link-local, such as fe80::1%eth0, got "fe80::1"/],
    [['127.0.0.1:1'], /ECONNREFUSED, 127\.0\.0\.1:1 refused the connection: check the port/],
    [['[::1%nowhere]:1'], /^tcp-keepalive: \w+: \w+, \[::1%nowhere\]:1 /],
    [['no-such-host.invalid:1'], /^tcp-keepalive: getaddrinfo: \w+, no-such-host\.invalid:1 /],
    [['serve', '--port', '22', '--host', '192.0.2.1'], /EADDRNOTAVAIL|EACCES/],
    [['serve', '--port', 'x'], /A port is a whole number/],
  ] as [string[], RegExp][])('refuses %j in one line', async (args, says) => {
    const { code, stdout, stderr } = await runCli('nat', ...args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(says);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
