import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { describe, expect, it } from 'vitest';
import { getKeepAlive, setKeepAlive } from '../../src/index.js';
import { closed, closing, connected, listening, portOf, serverTls } from '../endpoints.js';
import { article, closeDescriptor, fdOf, kernelStateOf, rawListener } from '../kernel/descriptor.js';

const inherited = { ...article, connections: 'inherited' };
const setOnAccept = { ...article, connections: 'set-on-accept' };
const pending = { ...article, status: 'pending' };

describe.each([
  ['net', () => net.createServer()],
  ['tls', () => tls.createServer(serverTls)],
  ['http', () => http.createServer()],
  ['https', () => https.createServer(serverTls)],
  ['http2', () => http2.createServer() as net.Server],
  ['http2, secure', () => http2.createSecureServer(serverTls) as net.Server],
])('a server of %s', (_name, create) => {
  it.each(['127.0.0.1', '::1', '::'])('hands the policy of its listener on %s to each connection', async (host) => {
    const server = await listening(create(), host);
    const before = server.listenerCount('connection');
    expect(getKeepAlive(server).enabled).toBe(false);
    expect(setKeepAlive(server, '30:5:3')).toEqual(inherited);
    expect(server.listenerCount('connection')).toBe(before);
    expect([getKeepAlive(server), kernelStateOf(server)]).toEqual([article, article]);
    const [client, socket] = await connected(server, host === '::' ? '127.0.0.1' : host);
    expect([getKeepAlive(socket), kernelStateOf(socket)]).toEqual([article, article]);
    expect(kernelStateOf(client).enabled).toBe(false);
  });

  it('sets it on accept when it was created with keepAlive, and before its own listeners run', async () => {
    const server = create();
    Object.assign(server, { keepAlive: true, keepAliveInitialDelay: 60 });
    await listening(server);
    let first: unknown;
    server.on('connection', (socket: net.Socket) => {
      first ??= kernelStateOf(socket);
    });
    expect(setKeepAlive(server, '30:5:3')).toEqual(setOnAccept);
    expect(getKeepAlive(server)).toEqual(setOnAccept);
    const [, socket] = await connected(server);
    expect([first, kernelStateOf(socket)]).toEqual([article, article]);
  });
});

describe('a server', () => {
  it('created with keepAlive has Node.js reset its connections, so the policy is set on accept', async () => {
    const options = { keepAlive: true, keepAliveInitialDelay: 60000 };
    const [, untouched] = await connected(await listening(net.createServer(options)));
    expect(kernelStateOf(untouched)).toMatchObject({ idle: 60000, interval: 1000, count: 10 });
    const server = net.createServer(options);
    expect(setKeepAlive(server, '30:5:3')).toEqual(pending);
    await listening(server);
    const [, socket] = await connected(server);
    expect(kernelStateOf(socket)).toEqual(article);
    expect(setKeepAlive(server, { idle: 40000 })).toEqual({ ...setOnAccept, idle: 40000 });
    const [, next] = await connected(server);
    expect(kernelStateOf(next)).toEqual({ ...article, idle: 40000 });
    expect(setKeepAlive(server, false)).toMatchObject({ enabled: false, connections: 'set-on-accept' });
    const [, last] = await connected(server);
    expect(kernelStateOf(last).enabled).toBe(false);
  });

  it.each(['before it listens', 'in the same tick'])('takes the policy %s', async (when) => {
    const server = closing(net.createServer());
    const connectionListeners = server.listenerCount('connection');
    if (when === 'in the same tick') server.listen(0);
    const state = setKeepAlive(server, '30:5:3');
    expect(state).toEqual(when === 'in the same tick' ? inherited : pending);
    expect(getKeepAlive(server)).toMatchObject(article);
    if (when !== 'in the same tick') server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    expect(kernelStateOf(server)).toEqual(article);
    expect(server.listenerCount('connection')).toBe(connectionListeners);
    const [, socket] = await connected(server);
    expect(kernelStateOf(socket)).toEqual(article);
  });

  it("has it in force when the application's own listening callback runs", async () => {
    const server = closing(net.createServer());
    const seen = new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(kernelStateOf(server))));
    expect(setKeepAlive(server, '30:5:3')).toEqual(pending);
    expect(await seen).toEqual(article);
  });

  it('leaves the connections that it already has as they are', async () => {
    const server = await listening(net.createServer());
    const [, early] = await connected(server);
    const before = kernelStateOf(early);
    setKeepAlive(server, '30:5:3');
    const [, late] = await connected(server);
    expect(kernelStateOf(late)).toEqual(article);
    setKeepAlive(server, '40:6:4');
    expect(kernelStateOf(early)).toEqual(before);
    expect(kernelStateOf(late)).toEqual(article);
    const [, last] = await connected(server);
    expect(kernelStateOf(last)).toMatchObject({ idle: 40000, interval: 6000, count: 4 });
  });

  it('stops handing it on after false', async () => {
    const server = await listening(net.createServer());
    setKeepAlive(server, '30:5:3');
    expect(setKeepAlive(server, false)).toEqual({ ...inherited, enabled: false });
    const [, socket] = await connected(server);
    expect(kernelStateOf(socket).enabled).toBe(false);
  });

  it('hands a user timeout on', async () => {
    const server = await listening(net.createServer());
    setKeepAlive(server, '30:5:3:auto');
    const [, socket] = await connected(server);
    expect(kernelStateOf(socket)).toEqual({ ...article, userTimeout: 45000 });
  });

  it('keeps the whole policy, changes included, when it listens again', async () => {
    const server = closing(net.createServer());
    setKeepAlive(server, '30:5:3');
    for (const expected of [article, { ...article, idle: 60000 }, { ...article, idle: 60000, count: 9 }]) {
      if (expected.idle === 60000 && expected.count === 9) setKeepAlive(server, { count: 9 });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      expect(kernelStateOf(server)).toEqual(expected);
      const [client, socket] = await connected(server);
      expect(kernelStateOf(socket)).toEqual(expected);
      if (expected.idle === 30000) setKeepAlive(server, { idle: 60000 });
      const ended = closed(server);
      client.destroy();
      socket.destroy();
      server.close();
      await ended;
      expect(getKeepAlive(server)).toMatchObject({ status: 'pending', interval: 5000 });
    }
  });

  it('is one that was given a descriptor', async () => {
    const listener = rawListener(8);
    const server = closing(net.createServer());
    server.listen({ fd: listener.fd });
    await once(server, 'listening');
    expect(fdOf(server)).toBe(listener.fd);
    expect(setKeepAlive(server, '30:5:3')).toEqual(inherited);
    const accepted = once(server, 'connection');
    closing(net.connect(listener.port, '127.0.0.1'));
    const [socket] = (await accepted) as [net.Socket];
    expect(kernelStateOf(socket)).toEqual(article);
  });

  it('is refused on a unix-domain path, and left without listeners of ours', async () => {
    const path = `\0tcp-keepalive-${process.pid}-server`;
    const server = closing(net.createServer());
    server.listen(path);
    await once(server, 'listening');
    const before = [server.listenerCount('listening'), server.listenerCount('connection')];
    const unsupported = expect.objectContaining({ code: 'ERR_KEEPALIVE_UNSUPPORTED' });
    for (const policy of ['30:5:3', false, { userTimeout: 5000 }, { rtoMax: 5000 }] as const) {
      expect(() => setKeepAlive(server, policy)).toThrow(unsupported);
    }
    expect(() => getKeepAlive(server)).toThrow(unsupported);
    expect([server.listenerCount('listening'), server.listenerCount('connection')]).toEqual(before);
  });

  it('reports a policy that its listener cannot have as an error event', async () => {
    const server = closing(net.createServer());
    setKeepAlive(server, '30:5:3');
    const failed = new Promise((resolve) => server.on('error', resolve));
    server.listen(`\0tcp-keepalive-${process.pid}-late`);
    expect(await failed).toMatchObject({ code: 'ERR_KEEPALIVE_UNSUPPORTED' });
  });

  it('whose descriptor was closed underneath answers EBADF', async () => {
    const listener = rawListener(8);
    const server = net.createServer();
    server.on('error', () => {});
    server.listen({ fd: listener.fd });
    await once(server, 'listening');
    const { _handle: handle } = server as unknown as { _handle: { fd: number } };
    Object.defineProperty(handle, 'fd', { value: 1_000_000, configurable: true });
    expect(() => setKeepAlive(server, '30:5:3')).toThrow(expect.objectContaining({ code: 'EBADF' }));
    expect(portOf(server)).toBe(listener.port);
    const ended = closed(server);
    server.close();
    await ended;
    expect(() => closeDescriptor(listener.fd)).toThrow();
  });

  it('that is frozen is refused before anything is set', async () => {
    const server = await listening(net.createServer());
    const before = kernelStateOf(server);
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    const frozen = Object.freeze(Object.assign(net.createServer(), { _handle: { fd } }));
    const refused = expect.objectContaining({ code: 'ERR_KEEPALIVE_UNSUPPORTED' });
    expect(() => setKeepAlive(frozen, '30:5:3')).toThrow(refused);
    expect(kernelStateOf(server)).toEqual(before);
  });
});

describe("a server's policy", () => {
  it.each([[false], [true]])('outlives its listeners, created with keepAlive: %s', async (keepAlive) => {
    const server = closing(net.createServer({ keepAlive, keepAliveInitialDelay: 60_000 }));
    const counts = () => ['listening', 'connection'].map((event) => server.listenerCount(event));
    const before = counts();
    setKeepAlive(server, '30:5:3');
    expect(counts()).toEqual(before);
    server.removeAllListeners().on('error', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    server.removeAllListeners();
    for (let made = 0; made < 2; made += 1) {
      const [, socket] = await connected(server);
      socket.on('error', () => {});
      expect(kernelStateOf(socket)).toEqual(article);
      socket.setKeepAlive(true, 70_000);
      expect(kernelStateOf(socket).idle).toBe(70_000);
    }
  });

  it('has its numbers again when it is turned off and on, before it listens and after', async () => {
    const server = closing(net.createServer());
    setKeepAlive(server, '30:5:3');
    setKeepAlive(server, false);
    expect(getKeepAlive(server)).toEqual({ ...pending, enabled: false });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const [, off] = await connected(server);
    expect(kernelStateOf(off)).toEqual({ ...article, enabled: false });
    expect(setKeepAlive(server, {})).toEqual(inherited);
    const [, on] = await connected(server);
    expect(kernelStateOf(on)).toEqual(article);
  });
});
