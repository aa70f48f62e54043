import dgram from 'node:dgram';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import tls from 'node:tls';
import tty from 'node:tty';
import { describe, expect, it, onTestFinished } from 'vitest';
import { getKeepAlive, type KeepAliveTarget, setKeepAlive } from '../../src/index.js';
import { readPolicy } from '../../src/policy/parse.js';
import { readState, writePolicy } from '../../src/socket/options.js';
import { linux } from '../../src/socket/platforms/linux.js';
import { loopbackPair } from '../../src/testing/index.js';
import { closed, closing, listening, portOf } from '../endpoints.js';
import { closeDescriptor, fdOf, kernelStateOf, rawSocket } from '../kernel/descriptor.js';

const unsupported = expect.objectContaining({ name: 'UnsupportedError', code: 'ERR_KEEPALIVE_UNSUPPORTED' });
const wrongType = expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
const systemCallError = (code: string) => expect.objectContaining({ name: 'SystemCallError', code });

function expectRefused(target: unknown, error: unknown): void {
  expect(() => setKeepAlive(target as KeepAliveTarget, '30:5:3')).toThrow(error as Error);
  expect(() => setKeepAlive(target as KeepAliveTarget, false)).toThrow(error as Error);
  expect(() => getKeepAlive(target as KeepAliveTarget)).toThrow(error as Error);
}

const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();
const hostile = new Proxy(
  {},
  {
    getPrototypeOf() {
      throw new Error('no');
    },
    get() {
      throw new Error('no');
    },
  },
);

function throwing(value: unknown): object {
  return Object.defineProperty({}, 'socket', {
    get() {
      throw value;
    },
  });
}

describe('what is no socket', () => {
  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a number', 20],
    ['text', '127.0.0.1:80'],
    ['an object', {}],
    ['a stream', new PassThrough()],
    ['a holder of something else', { socket: { _handle: { fd: 1 } } }],
    ['an agent', new http.Agent()],
    ['a function', () => {}],
    ['a revoked proxy', revoked],
    ['a proxy whose traps throw', hostile],
    ['a getter that throws nothing', throwing(null)],
    ['a getter that throws what cannot be read', throwing(revoked)],
  ])('is a TypeError that says what it was: %s', (_name, target) => {
    expectRefused(target, wrongType);
    expect(() => setKeepAlive(target as KeepAliveTarget, '30:5:3')).toThrow(/must be a net\.Socket.*, got /);
  });

  it('is a TypeError for a UDP socket', async () => {
    const socket = dgram.createSocket('udp4');
    onTestFinished(() => void socket.close());
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    expectRefused(socket, wrongType);
  });
});

describe('a socket that is not open', () => {
  it('answers EBADF when it has been destroyed, before and after it is closed', async () => {
    using pair = await loopbackPair();
    const ended = closed(pair.client);
    pair.client.destroy();
    expectRefused(pair.client, systemCallError('EBADF'));
    await ended;
    expectRefused(pair.client, systemCallError('EBADF'));
    expect(() => getKeepAlive(pair.client)).toThrow(/^getsockopt: EBADF, .*destroyed: pass one that is open/);
  });

  it('answers EBADF when its descriptor was closed underneath', async () => {
    const server = await listening(net.createServer());
    const client = net.connect(portOf(server), '127.0.0.1');
    await once(client, 'connect');
    const { _handle: handle } = client as unknown as { _handle: object };
    Object.defineProperty(handle, 'fd', { value: 1_000_000, configurable: true });
    expectRefused(client, systemCallError('EBADF'));
    expect(() => setKeepAlive(client, '30:5:3')).toThrow(/descriptor 1000000 is not open: pass a socket/);
    Reflect.deleteProperty(handle, 'fd');
    expect(kernelStateOf(client).enabled).toBe(false);
    client.destroy();
  });

  it('answers ENOTCONN for a request that has no socket yet, and says when it will', () => {
    const request = http.request({ host: '127.0.0.1', port: 1 }).on('error', () => {});
    expectRefused(request, systemCallError('ENOTCONN'));
    expect(() => setKeepAlive(request, '30:5:3')).toThrow(/'socket' event/);
    request.destroy();
  });
});

describe('a socket that is not TCP', () => {
  it('is refused when it is a connection on a unix-domain path', async () => {
    const path = `\0tcp-keepalive-${process.pid}-bad-target`;
    const server = closing(net.createServer());
    server.listen(path);
    await once(server, 'listening');
    const client = closing(net.connect(path));
    const [[socket]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [[net.Socket], []];
    for (const target of [server, client, socket]) expectRefused(target, unsupported);
    expect(() => setKeepAlive(client, '30:5:3')).toThrow(/unix-domain/);
  });

  it('is refused when it is TLS over a stream that has no descriptor', () => {
    const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    const socket = closing(tls.connect({ socket: stream }));
    expectRefused(socket, unsupported);
    expect(() => setKeepAlive(socket, '30:5:3')).toThrow(/has no descriptor/);
  });

  it('answers ENOTSOCK when it is a terminal', () => {
    const master = openSync('/dev/ptmx', 'r+');
    const terminal = closing(new tty.ReadStream(master));
    expect(terminal).toBeInstanceOf(net.Socket);
    expectRefused(terminal, systemCallError('ENOTSOCK'));
    expect(() => setKeepAlive(terminal, '30:5:3')).toThrow(/is not a socket: pass a TCP socket or server/);
  });
});

describe('a foreign descriptor', () => {
  it.each<[string, () => number, unknown]>([
    ['a file', () => openSync('/dev/null', 'r'), systemCallError('ENOTSOCK')],
    ['a UDP socket', () => rawSocket('udp'), unsupported],
    ['a unix-domain socket', () => rawSocket('unix'), unsupported],
  ])('is refused: %s', (_name, open, error) => {
    const fd = open();
    onTestFinished(() => closeDescriptor(fd));
    expect(() => writePolicy(fd, readPolicy('30:5:3'), linux)).toThrow(error as Error);
    expect(() => writePolicy(fd, false, linux)).toThrow(error as Error);
    expect(() => readState(fd, linux)).toThrow(error as Error);
  });

  it('is refused when it is closed', () => {
    expect(() => writePolicy(1_000_000, readPolicy('30:5:3'), linux)).toThrow(systemCallError('EBADF') as Error);
    expect(() => readState(-1, linux)).toThrow(systemCallError('EBADF') as Error);
  });
});

describe('frozen objects', () => {
  it('are refused for a policy that waits for a descriptor, with no promise made', () => {
    const socket = Object.freeze(new net.Socket());
    expect(() => setKeepAlive(socket, '30:5:3')).toThrow(unsupported);
    expect(() => getKeepAlive(socket)).toThrow(systemCallError('ENOTCONN') as Error);
  });
});

it('a malformed policy is reported before a bad target', () => {
  expect(() => setKeepAlive({} as KeepAliveTarget, '30')).toThrow(expect.objectContaining({ name: 'PolicyError' }));
});

it('an error names its call, its code and its errno', async () => {
  using pair = await loopbackPair();
  const fd = fdOf(pair.client);
  expect(() => writePolicy(fd, { ...readPolicy('30:5:3'), count: 1000 }, linux)).toThrow(
    expect.objectContaining({ syscall: 'setsockopt(TCP_KEEPCNT)', code: 'EINVAL', errno: -22 }),
  );
  expect(kernelStateOf(pair.client).enabled).toBe(false);
});
