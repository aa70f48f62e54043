import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { getKeepAlive, setKeepAlive } from '../../src/index.js';
import { loopbackPair } from '../../src/testing/index.js';
import { accepted, clientTls, closing, connected, listening, portOf, serverTls } from '../endpoints.js';
import { article, fdOf, kernelStateOf, statusFlags } from '../kernel/descriptor.js';

const O_NONBLOCK = 0o4000;

describe('a connected socket', () => {
  it.each([4, 6] as const)('has the policy in its kernel over IPv%i, at both ends', async (family) => {
    using pair = await loopbackPair({ family });
    for (const socket of [pair.client, pair.server]) {
      expect(getKeepAlive(socket).enabled).toBe(false);
      expect(setKeepAlive(socket, '30:5:3')).toEqual(article);
      expect(getKeepAlive(socket)).toEqual(article);
      expect(kernelStateOf(socket)).toEqual(article);
    }
  });

  it('has the policy on a dual-stack connection with a mapped address', async () => {
    const server = await listening(net.createServer(), '::');
    const [client, socket] = await connected(server);
    expect(socket.remoteAddress).toBe('::ffff:127.0.0.1');
    for (const end of [client, socket]) {
      expect(setKeepAlive(end, '30:5:3')).toEqual(article);
      expect(kernelStateOf(end)).toEqual(article);
    }
  });

  it('keeps what a policy leaves out, and takes numbers, text and the user timeout', async () => {
    using pair = await loopbackPair();
    setKeepAlive(pair.client, { idle: '1m', interval: 7000, count: 4, userTimeout: 'auto' });
    expect(kernelStateOf(pair.client)).toEqual({
      enabled: true,
      idle: 60000,
      interval: 7000,
      count: 4,
      userTimeout: 88000,
    });
    expect(setKeepAlive(pair.client, { count: 9 })).toEqual({ ...getKeepAlive(pair.client), interval: 7000, count: 9 });
    expect(kernelStateOf(pair.client)).toMatchObject({ idle: 60000, interval: 7000, count: 9, userTimeout: 88000 });
  });

  it('stops probing with false and keeps its numbers for an empty policy', async () => {
    using pair = await loopbackPair();
    setKeepAlive(pair.client, '30:5:3');
    expect(setKeepAlive(pair.client, false)).toEqual({ ...article, enabled: false });
    expect(kernelStateOf(pair.client)).toEqual({ ...article, enabled: false });
    expect(setKeepAlive(pair.client, {})).toEqual(article);
  });

  it("takes the kernel's defaults for 'system'", async () => {
    using pair = await loopbackPair();
    const fresh = kernelStateOf(pair.client);
    setKeepAlive(pair.client, '30:5:3:auto');
    setKeepAlive(pair.client, { idle: 'system', interval: 'system', count: 'system', userTimeout: 'system' });
    expect(kernelStateOf(pair.client)).toEqual({ ...fresh, enabled: true });
  });

  it('stays non-blocking, as it was', async () => {
    using pair = await loopbackPair();
    const before = statusFlags(fdOf(pair.client));
    expect(before & O_NONBLOCK).toBe(O_NONBLOCK);
    setKeepAlive(pair.client, '30:5:3');
    getKeepAlive(pair.client);
    setKeepAlive(pair.client, false);
    expect(statusFlags(fdOf(pair.client))).toBe(before);
  });

  it('can be frozen, as can the policy', async () => {
    const server = await listening(net.createServer());
    const client = closing(net.connect(portOf(server), '127.0.0.1'));
    await once(client, 'connect');
    const policy = Object.freeze({ idle: 30000, interval: 5000, count: 3 });
    expect(setKeepAlive(Object.freeze(client), policy)).toEqual(article);
    expect(kernelStateOf(client)).toEqual(article);
  });

  it('is governed from a worker thread as well', async () => {
    const server = await listening(net.createServer());
    const program = `
      const { workerData, parentPort } = require('node:worker_threads');
      import('tcp-keepalive').then(({ setKeepAlive, getKeepAlive }) => {
        const socket = require('node:net').connect(workerData, '127.0.0.1', () => {
          setKeepAlive(socket, '30:5:3');
          parentPort.postMessage(getKeepAlive(socket));
          socket.destroy();
        });
      });`;
    const worker = new Worker(program, { eval: true, workerData: portOf(server) });
    const [state] = await once(worker, 'message');
    await worker.terminate();
    expect(state).toEqual(article);
  });
});

describe('a TLS socket', () => {
  it('has the policy at both ends when it connects by itself', async () => {
    const server = await listening(tls.createServer(serverTls));
    const client = closing(tls.connect({ ...clientTls, port: portOf(server), host: '127.0.0.1' }));
    expect(setKeepAlive(client, '30:5:3')).toEqual({ ...article, status: 'pending' });
    const [socket] = await Promise.all([accepted(server, 'secureConnection'), once(client, 'secureConnect')]);
    expect(getKeepAlive(client)).toEqual(article);
    expect(kernelStateOf(client)).toEqual(article);
    expect(setKeepAlive(socket, '30:5:3')).toEqual(article);
    expect(kernelStateOf(socket)).toEqual(article);
  });

  it('has the policy over a socket that is connected, which then reports it too', async () => {
    const server = await listening(tls.createServer(serverTls));
    const raw = closing(net.connect(portOf(server), '127.0.0.1'));
    await once(raw, 'connect');
    const client = closing(tls.connect({ ...clientTls, socket: raw }));
    expect(setKeepAlive(client, '30:5:3')).toEqual(article);
    expect([getKeepAlive(client), getKeepAlive(raw), kernelStateOf(raw)]).toEqual([article, article, article]);
    await once(client, 'secureConnect');
    expect(getKeepAlive(client)).toEqual(article);
  });

  it.each(['connecting', 'not yet connecting'])('has the policy over a socket that is %s', async (phase) => {
    const server = await listening(tls.createServer(serverTls));
    const raw = closing(new net.Socket());
    if (phase === 'connecting') raw.connect(portOf(server), '127.0.0.1');
    const client = closing(tls.connect({ ...clientTls, socket: raw }));
    expect(setKeepAlive(client, '30:5:3')).toEqual({ ...article, status: 'pending' });
    expect(getKeepAlive(client)).toEqual({ ...article, status: 'pending' });
    if (phase !== 'connecting') raw.connect(portOf(server), '127.0.0.1');
    await once(raw, 'connect');
    expect(kernelStateOf(raw)).toEqual(article);
    await once(client, 'secureConnect');
    expect([getKeepAlive(client), getKeepAlive(raw), kernelStateOf(raw)]).toEqual([article, article, article]);
    expect(setKeepAlive(client, '40:6:4')).toMatchObject({ idle: 40000, interval: 6000, count: 4 });
    expect(kernelStateOf(raw)).toMatchObject({ idle: 40000, interval: 6000, count: 4 });
  });

  it('has the policy inside another TLS connection, on the one descriptor underneath', async () => {
    const server = await listening(tls.createServer(serverTls));
    server.on('secureConnection', (outer: tls.TLSSocket) => {
      closing(new tls.TLSSocket(outer, { ...serverTls, isServer: true }));
    });
    const outer = closing(tls.connect({ ...clientTls, port: portOf(server), host: '127.0.0.1' }));
    await once(outer, 'secureConnect');
    const inner = closing(tls.connect({ ...clientTls, socket: outer }));
    await once(inner, 'secureConnect');
    expect(setKeepAlive(inner, '30:5:3')).toEqual(article);
    expect(kernelStateOf(outer)).toEqual(article);
  });
});
