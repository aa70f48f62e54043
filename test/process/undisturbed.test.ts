import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { applyToProcess, getKeepAlive, type ProcessPolicy } from '../../src/index.js';
import { closing, connected, listening, portOf } from '../endpoints.js';
import { start } from './registered.js';

const full = { enabled: true, idle: 30_000, interval: 5000, count: 3 };
const env = { TCP_KEEPALIVE: '30:5:3' };

let inForce: ProcessPolicy | undefined;
const apply = (...args: Parameters<typeof applyToProcess>): ProcessPolicy => {
  inForce = applyToProcess(...args);
  return inForce;
};
afterEach(() => {
  inForce?.close();
  vi.restoreAllMocks();
});

/** Prints what both ends of a connection have after a call that is overruled, and fails at any warning. */
const bothEnds = `
  process.on('warning', (warning) => { throw warning; });
  const net = require('node:net');
  const { getKeepAlive } = require('tcp-keepalive');
  const server = net.createServer((accepted) => {
    accepted.setKeepAlive(true, 9000);
    console.log(JSON.stringify([getKeepAlive(client), getKeepAlive(accepted)]));
    process.exit();
  });
  let client;
  server.listen(0, '127.0.0.1', () => {
    client = net.connect(server.address().port, '127.0.0.1');
    client.setKeepAlive(true, 9000);
  });`;

describe.concurrent('a program runs as without the policy', () => {
  it.each([
    ['with frozen intrinsics', ['--frozen-intrinsics'], ''],
    [
      'where stack traces cannot be prepared',
      [],
      `Object.defineProperty(Error, 'prepareStackTrace', { value: () => 'x', writable: false, configurable: false });`,
    ],
    [
      'where preparing them is an accessor that throws',
      [],
      `Object.defineProperty(Error, 'prepareStackTrace', { get() { throw 1; }, set() { throw 1; } });`,
    ],
    [
      'where there are no stack traces',
      [],
      'Object.defineProperty(Error, "stackTraceLimit", { value: 0, writable: false });',
    ],
    ['where no property can be added to Error', [], 'Object.preventExtensions(Error);'],
    ['where captureStackTrace is gone', [], 'delete Error.captureStackTrace;'],
    ['where warnings throw', [], 'process.emitWarning = () => { throw new Error("no warnings"); };'],
  ])('%s', async (_, options, prelude) => {
    const launch = { env, options: [...options, '--import', 'tcp-keepalive/register'] };
    const { code, stdout, stderr } = await start(['-e', `${prelude}\n${bothEnds}`], launch).ended;
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([full, full]);
  });

  it('whose path is no valid URL, and whose callers are named all the same', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'keepalive-'));
    const script = path.join(folder, '100%', 'app.mjs');
    mkdirSync(path.dirname(script));
    const library = pathToFileURL(path.resolve('dist/index.js'));
    writeFileSync(
      script,
      `import net from 'node:net';
       import vm from 'node:vm';
       import { applyToProcess } from '${library}';
       const { status } = applyToProcess('30:5:3');
       const server = net.createServer().listen(0, '127.0.0.1', () => {
         const client = net.connect(server.address().port, '127.0.0.1', () => {
           vm.runInThisContext('(client) => client.setKeepAlive(true, 1000)', 'file:///srv/100%/app.js')(client);
           client.setKeepAlive(true, 2000);
           console.log(JSON.stringify(status().overruled.map(({ file }) => file)));
           process.exit();
         });
       });`,
    );
    const { code, stdout, stderr } = await start([script], { options: [] }).ended;
    rmSync(folder, { recursive: true });
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual(['file:///srv/100%/app.js', script]);
  });

  it.each([
    ['null', 'null'],
    ['no function', '{}'],
    ['a function without a name', 'Object.defineProperty(class {}, "name", { get() { throw new Error("no name"); } })'],
  ])('whose sockets have a constructor that is %s, also while it is debugged', async (_, given) => {
    const prelude = `Object.defineProperty(require('node:net').Socket.prototype, 'constructor', { value: ${given} });`;
    const launch = { env: { ...env, NODE_DEBUG: 'tcp-keepalive' } };
    const code = `${prelude}${bothEnds.replace(/process\.on\('warning'.*/, '')}`;
    const ended = await start(['-e', code], launch).ended;
    expect(ended.code, ended.stderr).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject([full, full]);
  });
});

describe('a program that is told of connections', () => {
  it.each(['enforce', 'fill'] as const)('may set keepalive on them, in mode %s', async (mode) => {
    let calls = 0;
    const onApplied = ({ target }: { target: unknown }) => {
      calls += 1;
      if (target instanceof net.Socket) target.setKeepAlive(true, 60_000 + calls * 1000);
    };
    apply('30:5:3', { mode, onApplied });
    const [client] = await connected(await listening(net.createServer()));
    client.setKeepAlive(true, 90_000);
    const idle = getKeepAlive(client).idle;
    expect(idle).toBe(mode === 'enforce' ? 30_000 : 60_000 + calls * 1000);
    expect(calls).toBeLessThan(5);
  });

  it.each([
    ['an error', () => Promise.reject(new Error('later'))],
    ['what cannot be shown', () => Promise.reject(Object.create(null))],
  ])('may reject a promise with %s, which becomes a warning', async (_, onApplied) => {
    const warning = once(process, 'warning');
    apply('30:5:3', { onApplied });
    await connected(await listening(net.createServer()));
    expect((await warning)[0]).toMatchObject({ name: 'KeepAliveWarning', message: /^onApplied: / });
  });
});

describe('a host that is no string', () => {
  it('matches rules by the address that it stands for', async () => {
    apply('30:5:3', { rules: [{ host: '127.0.0.*', policy: '10:1:2' }] });
    const server = await listening(net.createServer());
    const socket = closing(new net.Socket());
    // As it is where Node.js takes objects, and wherever a program gives its sockets other properties.
    Object.assign(socket, { _host: { toString: () => 'an object' } });
    socket.connect(portOf(server), '127.0.0.1');
    await once(socket, 'connect');
    expect(getKeepAlive(socket).idle).toBe(10_000);
  });
});

describe('finding the class of TCP handles', () => {
  it('runs nothing of the program, opens nothing, and async hooks hear of nothing that they do not know', async () => {
    const code = `
      const { createHook } = require('node:async_hooks');
      const { readdirSync, readlinkSync } = require('node:fs');
      const known = new Set(), unknown = [];
      let ran = 'no';
      require('node:dns');
      const { applyToProcess } = require('tcp-keepalive');
      const linkOf = (fd) => { try { return readlinkSync('/proc/self/fd/' + fd); } catch { return ''; } };
      // libuv keeps a descriptor of /dev/null in reserve from the first stream on, whoever opens that.
      const sockets = () => readdirSync('/proc/self/fd').filter((fd) => linkOf(fd).startsWith('socket:')).length;
      const before = sockets();
      const handlesBefore = process._getActiveHandles().length;
      setImmediate(() => { ran = 'yes'; }).unref();
      const heard = [];
      createHook({
        init: (id, type) => { known.add(id); heard.push(type); },
        before: (id) => known.has(id) || unknown.push(id),
        destroy: (id) => known.has(id) || unknown.push(id),
      }).enable();
      applyToProcess('30:5:3');
      const opened = sockets() - before;
      const handles = process._getActiveHandles().length - handlesBefore;
      process.on('exit', () => console.log(JSON.stringify({ ran, unknown, opened, heard, handles })));`;
    const piped = await start(['-e', code], { options: [] }).ended;
    expect(piped.code, piped.stderr).toBe(0);
    const { handles, ...seen } = JSON.parse(piped.stdout) as { handles: number };
    expect(seen).toEqual({ ran: 'no', unknown: [], opened: 0, heard: expect.not.arrayContaining(['TickObject']) });
    expect(handles).toBe(0);
  });
});

describe.concurrent('at the exit of a program', () => {
  it('no summary is computed that nobody asked for', async () => {
    const count = `import('node:fs').then(() => process.on('exit', () => console.log(process.listenerCount('exit'))))`;
    const [silent, debugged] = await Promise.all(
      [{}, { NODE_DEBUG: 'tcp-keepalive' }].map((more) => start(['-e', count], { env: { ...env, ...more } }).ended),
    );
    expect([silent?.stdout, debugged?.stdout]).toEqual(['1\n', '2\n']);
  });
});
