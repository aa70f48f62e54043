import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { crashPeer } from '../../src/testing/index.js';
import { closing, listening, portOf } from '../endpoints.js';
import { program, start } from './registered.js';

interface End {
  readonly name: string;
  readonly code: string;
  readonly reason?: string;
  readonly message: string;
}

const registerFile = fileURLToPath(new URL('../../dist/process/register.js', import.meta.url));
const watched = { TCP_KEEPALIVE: '1:1:50', TCP_KEEPALIVE_DEAD_AFTER: '2', TCP_KEEPALIVE_DESTROY: 'on' };

/** Starts the program, and makes the peer of each of its connections vanish. */
async function vanish(names: readonly string[], env: Record<string, string>, launch: { cwd?: string } = {}) {
  const server = await listening(net.createServer());
  const ready = new Set<string>();
  const sockets: net.Socket[] = [];
  const crash = (name: string, socket: net.Socket) => {
    sockets.push(socket);
    ready.add(name);
    if (env['WRITES']) socket.write('go');
    setTimeout(() => socket.destroyed || crashPeer(socket), 100);
  };
  server.on('connection', (socket) => {
    socket.once('data', (text) => {
      const [name = '', port] = String(text).trim().split(' ');
      if (port === undefined) return crash(name, socket);
      socket.destroy();
      const client = closing(net.connect(Number(port), '127.0.0.1', () => crash(name, client)));
    });
  });
  const options = launch.cwd === undefined ? {} : { options: ['--import', registerFile] };
  const { child } = start([program('unaware.mjs'), ...names], {
    env: { ...env, PORT: String(portOf(server)), TCP_KEEPALIVE_ON_ERROR: 'exit' },
    ...launch,
    ...options,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (text) => {
    stdout += text;
  });
  child.stderr?.on('data', (text) => {
    stderr += text;
  });
  await expect.poll(() => ready.size, { timeout: 45_000 }).toBe(names.length);
  const lines = () => stdout.split('\n').slice(0, -1);
  /** Returns how the connections end, once all have ended. */
  const ends = async () => {
    await expect.poll(lines, { timeout: 40_000 }).toHaveLength(names.length);
    return lines().map((line) => JSON.parse(line) as End);
  };
  return { child, sockets, ends, stderr: () => stderr };
}

describe('deadAfter of register', () => {
  it('destroys the connections of a program that knows nothing of it, whose peers have vanished', async () => {
    const names = ['main', 'worker', 'fork', 'cluster', 'accepted', 'passed'];
    const { ends: endsOf } = await vanish(names, watched);
    const began = performance.now();
    const ends = await endsOf();
    expect(ends.map(({ name }) => name).sort()).toEqual([...names].sort());
    for (const end of ends) expect(end).toMatchObject({ code: 'ETIMEDOUT', reason: 'unanswered' });
    // A second of idle, the time that the first probe may take, and 2 s; with the policy alone, 51 s.
    expect(performance.now() - began).toBeLessThan(25_000);
  }, 90_000);

  it('destroys a connection with data in flight, which keepalive does not', async () => {
    const { ends } = await vanish(['main'], { ...watched, TCP_KEEPALIVE: '30:5:3', WRITES: 'yes' });
    expect(await ends()).toMatchObject([{ name: 'main', code: 'ETIMEDOUT', reason: 'unanswered' }]);
  }, 90_000);

  it('watches connections as they are without a policy', async () => {
    const { ends } = await vanish(['main'], { ...watched, TCP_KEEPALIVE: 'unmanaged', WRITES: 'yes' });
    expect(await ends()).toMatchObject([{ name: 'main', code: 'ETIMEDOUT', reason: 'unanswered' }]);
  }, 90_000);

  it('is read from tcp-keepalive.json, and the environment comes before it', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'keepalive-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(
      path.join(folder, 'tcp-keepalive.json'),
      JSON.stringify({ policy: '1:1:50', deadAfter: '10m', destroy: true }),
    );
    const { ends } = await vanish(['main'], { TCP_KEEPALIVE_DEAD_AFTER: '2s' }, { cwd: folder });
    expect(await ends()).toMatchObject([{ code: 'ETIMEDOUT', reason: 'unanswered' }]);
  }, 90_000);

  it('names the connection in debug lines, and without destroy leaves it open', async () => {
    const env = { TCP_KEEPALIVE: '1:1:50', TCP_KEEPALIVE_DEAD_AFTER: '2s', TCP_KEEPALIVE_SUMMARY_SIGNAL: 'SIGUSR2' };
    const { child, sockets, stderr } = await vanish(['main'], { ...env, NODE_DEBUG: 'tcp-keepalive' });
    await expect.poll(stderr, { timeout: 30_000 }).toMatch(/peer dead/);
    const [socket] = sockets as [net.Socket];
    const name = `localhost \\(127\\.0\\.0\\.1:${socket.localPort}\\), local port ${socket.remotePort}`;
    expect(stderr()).toMatch(new RegExp(`client Socket ${name}: \\{"enabled":true,"idle":1000`));
    expect(stderr()).toMatch(new RegExp(`peer suspect: ${name}, 1 unanswered, silent for 1\\.\\d s`));
    expect(stderr()).toMatch(
      new RegExp(`peer dead \\(unanswered\\): ${name}, [2-9] unanswered, silent for [34]\\.\\d s`),
    );
    expect(socket.destroyed).toBe(false);
    child.kill('SIGUSR2');
    const summary = /tcp-keepalive: peers: 0 watched, 0 suspect, 0 stalled, 0 closed, 1 dead \(1 unanswered\)/;
    await expect.poll(stderr).toMatch(summary);
  }, 90_000);

  it.each([
    [
      { TCP_KEEPALIVE_DEAD_AFTER: '0.5' },
      /DEAD_AFTER: deadAfter must be .* at least 1000 ms, such as '45s', got "0.5"/,
    ],
    [{ TCP_KEEPALIVE_DEAD_AFTER: '45000' }, /DEAD_AFTER: deadAfter must .*, got "45000"; did you mean '45s'\?/],
    [{ TCP_KEEPALIVE_DEAD_AFTER: 'soon' }, /DEAD_AFTER: deadAfter must be a duration .*got "soon"/],
    [{ TCP_KEEPALIVE_DESTROY: 'on' }, /DESTROY: destroy must be left out, or given with deadAfter/],
    [{ TCP_KEEPALIVE_DEAD_AFTER: '9s', TCP_KEEPALIVE_DESTROY: '1' }, /'on' or 'off' in TCP_KEEPALIVE_DESTROY, got "1"/],
    [{ TCP_KEEPALIVE_DEADAFTER: '9s' }, /did you mean "TCP_KEEPALIVE_DEAD_AFTER"\?/],
  ])('%j ends the program with one line', async (env, message) => {
    const { code, stdout, stderr } = await start(['-p', '1'], { env: { TCP_KEEPALIVE: '30:5:3', ...env } }).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it.each([
    [{ TCP_KEEPALIVE_DEAD_AFTER: '1ms' }, 'DEAD_AFTER: deadAfter'],
    [{ TCP_KEEPALIVE_DEAD_AFTER: '45000' }, 'DEAD_AFTER: deadAfter'],
    [{ TCP_KEEPALIVE_DEAD_AFTER: '9s', TCP_KEEPALIVE_DESTROY: '1' }, 'DESTROY: destroy'],
    [{ TCP_KEEPALIVE_DESTROY: 'on' }, 'DESTROY: destroy'],
  ])('that is wrong leaves the policy in force where a warning is asked for: %j', async (wrong, part) => {
    const env = { TCP_KEEPALIVE: '30:5:3', ...wrong, TCP_KEEPALIVE_ON_ERROR: 'warn' };
    const { stdout, stderr } = await start([program('both-ends.mjs')], { env }).ended;
    expect(JSON.parse(stdout)).toMatchObject({ client: { enabled: true, idle: 30_000 }, wrapped: true });
    expect(stderr).toContain(`KeepAliveWarning: no peers are watched: TCP_KEEPALIVE_${part} must be`);
  });

  it('of a file is in milliseconds, and its error advises what the file takes', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'keepalive-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'tcp-keepalive.json');
    writeFileSync(file, JSON.stringify({ policy: '30:5:3', deadAfter: 45 }));
    const { stderr } = await start(['-p', '1'], { cwd: folder, options: ['--import', registerFile] }).ended;
    expect(stderr).toMatch(
      /json: deadAfter must be .*, such as '45s', got 45; did you mean '45s'\? A number is millis/,
    );
  });

  it('without a policy is named in the warning', async () => {
    const { stderr } = await start(['-e', '0'], { env: { TCP_KEEPALIVE_DEAD_AFTER: '9s' } }).ended;
    expect(stderr).toMatch(/no keepalive policy is in force: .*; deadAfter has no effect alone/);
  });

  it('keeps no program alive, and loads the watch only where it is asked for', async () => {
    const loaded = async (env: Record<string, string>) => {
      const { code, stderr } = await start(['-e', '0'], { env: { ...env, NODE_DEBUG: 'esm', TCP_KEEPALIVE: '30:5:3' } })
        .ended;
      expect(code).toBe(0);
      return /dist\/index\.js/.test(stderr);
    };
    expect(await loaded({})).toBe(false);
    expect(await loaded({ TCP_KEEPALIVE_DEAD_AFTER: '9s' })).toBe(true);
  });

  it('is loaded by require, also in a program that is text', async () => {
    const required = `require(${JSON.stringify(registerFile)}); console.log('ran')`;
    const { code, stdout, stderr } = await start(['-e', required], { env: watched, options: [] }).ended;
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'ran\n', stderr: '' });
  });

  it('is replaced by a second evaluation of register, like the policy', async () => {
    const twice = `
      import { once } from 'node:events';
      await import(${JSON.stringify(`file://${registerFile}?again`)});
      console.log(process.listenerCount('SIGUSR2'));`;
    const env = { ...watched, TCP_KEEPALIVE_SUMMARY_SIGNAL: 'SIGUSR2' };
    const { code, stdout } = await start(['--input-type=module', '-e', twice], { env }).ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: '2\n' });
  });
});
