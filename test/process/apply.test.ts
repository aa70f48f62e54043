import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { applyToProcess, getKeepAlive, kernelDefaults, type ProcessPolicy, setKeepAlive } from '../../src/index.js';
import { writeIntOption } from '../../src/native/index.js';
import { tcpPrototype } from '../../src/process/tcp-handle.js';
import { clientTls, closing, connected, listening, portOf, serverTls } from '../endpoints.js';
import { fdOf } from '../kernel/descriptor.js';
import { hasIPv6 } from '../peers.js';

const full = { enabled: true, idle: 30_000, interval: 5000, count: 3 };

let inForce: ProcessPolicy | undefined;
const apply = (...args: Parameters<typeof applyToProcess>): ProcessPolicy => {
  inForce = applyToProcess(...args);
  return inForce;
};
afterEach(() => inForce?.dispose());

async function twoEnds(): Promise<[net.Socket, net.Socket]> {
  return connected(await listening(net.createServer()));
}

describe('a connection has the policy, however it was opened', () => {
  it.each(['127.0.0.1', 'localhost', ...(hasIPv6 ? ['::1'] : [])])('net.connect to %s', async (host) => {
    apply('30:5:3');
    const server = await listening(net.createServer(), host);
    const [client, accepted] = await connected(server, host);
    for (const end of [server, client, accepted]) expect(getKeepAlive(end)).toMatchObject(full);
  });

  it('new net.Socket().connect()', async () => {
    apply('30:5:3:auto');
    const server = await listening(net.createServer());
    const socket = closing(new net.Socket());
    socket.connect(portOf(server), '127.0.0.1');
    await once(socket, 'connect');
    expect(getKeepAlive(socket)).toEqual({ ...full, userTimeout: 45_000 });
  });

  it('tls.connect, and TLS over a socket that was passed in', async () => {
    apply('30:5:3');
    const server = await listening(tls.createServer(serverTls, (socket) => socket.on('error', () => {})));
    const direct = closing(tls.connect({ ...clientTls, port: portOf(server), host: 'localhost' }));
    const [[accepted]] = (await Promise.all([once(server, 'secureConnection'), once(direct, 'secureConnect')])) as [
      [tls.TLSSocket],
      unknown,
    ];
    const raw = closing(net.connect(portOf(server), '127.0.0.1'));
    const over = closing(tls.connect({ ...clientTls, socket: raw }));
    await once(over, 'secureConnect');
    for (const end of [direct, accepted, over, raw]) expect(getKeepAlive(end)).toMatchObject(full);
  });

  it('http with an agent, on both ends, also after going back to the pool', async () => {
    apply('30:5:3');
    const sockets: net.Socket[] = [];
    const server = await listening(http.createServer((_, response) => response.end('.')));
    server.on('connection', (socket) => sockets.push(socket));
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let round = 0; round < 3; round += 1) {
      const request = http.get({ port: portOf(server), host: '127.0.0.1', agent });
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      const { socket } = response;
      sockets.push(socket);
      response.resume();
      await once(socket, 'free');
      for (const used of sockets) expect(getKeepAlive(used)).toMatchObject(full);
    }
    expect(new Set(sockets).size).toBe(2);
    agent.destroy();
  });

  it('http2', async () => {
    apply('30:5:3');
    const server = http2.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const session = http2.connect(`http://127.0.0.1:${portOf(server)}`);
    await once(session, 'connect');
    expect(getKeepAlive(session)).toMatchObject(full);
    session.destroy();
    server.close();
  });

  it('before its handshake is over', async () => {
    apply('30:5:3');
    const server = await listening(net.createServer());
    // The listener's kernel drops the SYN, whose TTL on loopback is 64.
    writeIntOption(fdOf(server), { name: 'IP_MINTTL', level: 0, option: 21 }, 255);
    const socket = closing(net.connect(portOf(server), '127.0.0.1'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(socket.connecting).toBe(true);
    expect(getKeepAlive(socket)).toMatchObject(full);
  });
});

describe('a policy holds', () => {
  it.each([
    ['a delay', [true, 1000]],
    ['a longer delay', [true, 60_000]],
    ['no delay', [true]],
    ['off', [false]],
    ['four arguments', [true, 60_000, 7000, 9]],
    ['options', [{ enable: true, initialDelay: 60_000, interval: 7000, count: 9 }]],
    ['a count that no kernel takes', [true, 60_000, 7000, 200]],
  ])('against a later call with %s', async (_, args) => {
    apply('30:5:3');
    for (const end of await twoEnds()) {
      const returned = Reflect.apply(end.setKeepAlive, end, args);
      expect(returned).toBe(end);
      Reflect.apply(end.setKeepAlive, end, args);
      expect(getKeepAlive(end)).toMatchObject(full);
    }
  });

  it('against calls before connecting, and against the option of net.connect and net.createServer', async () => {
    apply('30:5:3');
    const server = await listening(net.createServer({ keepAlive: true, keepAliveInitialDelay: 9000 }));
    const early = closing(new net.Socket());
    early.setKeepAlive(true, 9000);
    early.connect(portOf(server), 'localhost');
    early.setKeepAlive(true, 8000);
    const option = closing(
      net.connect({ port: portOf(server), host: '127.0.0.1', keepAlive: true, keepAliveInitialDelay: 9000 }),
    );
    const accepted: net.Socket[] = [];
    server.on('connection', (socket) => accepted.push(closing(socket)));
    await Promise.all([once(early, 'connect'), once(option, 'connect')]);
    await expect.poll(() => accepted.length).toBe(2);
    for (const end of [early, option, ...accepted]) expect(getKeepAlive(end)).toMatchObject(full);
  });

  it('in the fields that it has; the others are not what libuv puts in', async () => {
    apply({ idle: '30s' });
    const { interval, count } = kernelDefaults();
    for (const end of await twoEnds()) {
      end.setKeepAlive(true, 9000);
      expect(getKeepAlive(end)).toMatchObject({ enabled: true, idle: 30_000, interval, count });
      Reflect.apply(end.setKeepAlive, end, [true, 9000, 7000, 4]);
      expect(getKeepAlive(end)).toMatchObject({ enabled: true, idle: 30_000, interval: 7000, count: 4 });
    }
  });

  it('through a socket that is destroyed at once, and calls after it was closed', async () => {
    const { status } = apply('30:5:3');
    const server = await listening(net.createServer());
    const socket = net.connect(portOf(server), '127.0.0.1');
    socket.destroy();
    socket.setKeepAlive(true, 1000);
    await once(socket, 'close');
    expect(socket.setKeepAlive(true, 2000)).toBe(socket);
    expect(status().skipped.refused).toBe(0);
  });
});

describe('mode fill', () => {
  it.each([
    ['a delay wins, and the policy fills the rest', [true, 60_000], { ...full, idle: 60_000 }],
    ['four arguments win', [true, 60_000, 7000, 9], { enabled: true, idle: 60_000, interval: 7000, count: 9 }],
    ['no delay asks for nothing', [true], full],
    ['less than a second asks for nothing', [true, 999], full],
    ['off asks for nothing', [false], full],
  ])('%s', async (_, args, expected) => {
    apply('30:5:3', { mode: 'fill' });
    const server = await listening(net.createServer());
    const early = closing(new net.Socket());
    Reflect.apply(early.setKeepAlive, early, args);
    early.connect(portOf(server), '127.0.0.1');
    await once(early, 'connect');
    const [client, accepted] = await connected(server);
    for (const end of [client, accepted]) Reflect.apply(end.setKeepAlive, end, args);
    for (const end of [early, client, accepted]) expect(getKeepAlive(end)).toMatchObject(expected);
  });
});

describe("this library's own setKeepAlive comes first", () => {
  it('a policy then holds as that of the process does', async () => {
    apply('30:5:3', { mode: 'fill' });
    for (const end of await twoEnds()) {
      setKeepAlive(end, '10:1:2');
      end.setKeepAlive(true, 60_000);
      end.setKeepAlive(false);
      expect(getKeepAlive(end)).toMatchObject({ enabled: true, idle: 10_000, interval: 1000, count: 2 });
    }
  });

  it('false leaves the connection to the program', async () => {
    apply('30:5:3');
    for (const end of await twoEnds()) {
      setKeepAlive(end, false);
      expect(getKeepAlive(end).enabled).toBe(false);
      end.setKeepAlive(true, 60_000);
      expect(getKeepAlive(end)).toMatchObject({ enabled: true, idle: 60_000, interval: 1000, count: 10 });
    }
  });

  it('also before connecting and before listening', async () => {
    const { status } = apply('30:5:3');
    const server = net.createServer();
    setKeepAlive(server, '20:2:2');
    const [, accepted] = await connected(await listening(server));
    const early = closing(new net.Socket());
    setKeepAlive(early, '10:1:2');
    early.connect(portOf(server), '127.0.0.1');
    await once(early, 'connect');
    early.setKeepAlive(true, 1000);
    expect(getKeepAlive(early)).toMatchObject({ idle: 10_000, interval: 1000, count: 2 });
    expect(getKeepAlive(accepted)).toMatchObject({ idle: 20_000, interval: 2000, count: 2 });
    const off = closing(new net.Socket());
    setKeepAlive(off, false);
    off.connect(portOf(server), '127.0.0.1');
    await once(off, 'connect');
    expect(getKeepAlive(off).enabled).toBe(false);
    expect(status().skipped.optedOut).toBe(1);
  });
});

describe('taking it out of force', () => {
  const methods = ['connect', 'connect6', 'listen', 'setKeepAlive'] as const;

  it('leaves nothing wrapped, and wrapped methods look like the ones they wrap', () => {
    const descriptors = () => [
      ...methods.map((method) => Object.getOwnPropertyDescriptor(tcpPrototype(), method)),
      Object.getOwnPropertyDescriptor(net.Socket.prototype, 'setKeepAlive'),
    ];
    const before = descriptors();
    const listeners = process.listenerCount('internalMessage');
    const policy = apply('30:5:3');
    const during = descriptors();
    policy.dispose();
    policy.dispose();
    expect(descriptors()).toEqual(before);
    expect(process.listenerCount('internalMessage')).toBe(listeners);
    for (const [index, descriptor] of before.entries()) {
      const wrapped = during[index];
      expect(wrapped?.value).not.toBe(descriptor?.value);
      expect({ ...wrapped, value: undefined }).toEqual({ ...descriptor, value: undefined });
      expect([wrapped?.value.name, wrapped?.value.length]).toEqual([descriptor?.value.name, descriptor?.value.length]);
    }
  });

  it('passes calls on where others have wrapped the wrapper', async () => {
    const policy = apply('30:5:3');
    const { setKeepAlive: wrapper } = net.Socket.prototype;
    net.Socket.prototype.setKeepAlive = function wrapped(...args) {
      return Reflect.apply(wrapper, this, args) as net.Socket;
    };
    policy.dispose();
    const [client] = await twoEnds();
    client.setKeepAlive(true, 60_000);
    expect(getKeepAlive(client)).toMatchObject({ idle: 60_000, interval: 1000 });
    net.Socket.prototype.setKeepAlive = wrapper;
    client.setKeepAlive(true, 50_000);
    expect(getKeepAlive(client)).toMatchObject({ idle: 50_000, interval: 1000 });
  });
});

describe('a policy that changes at run time', () => {
  it('governs new connections, and the listeners that are there', async () => {
    apply('30:5:3');
    const server = await listening(net.createServer());
    const [client] = await connected(server);
    const second = applyToProcess('20:2:2');
    const [later, acceptedLater] = await connected(server);
    expect(getKeepAlive(client)).toMatchObject(full);
    for (const end of [later, acceptedLater]) expect(getKeepAlive(end)).toMatchObject({ idle: 20_000, count: 2 });
    second.dispose();
    const [last, acceptedLast] = await connected(server);
    for (const end of [last, acceptedLast]) expect(getKeepAlive(end)).toMatchObject(full);
  });
});
