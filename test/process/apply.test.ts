import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { applyToProcess, getKeepAlive, kernelDefaults, type ProcessPolicy, setKeepAlive } from '../../src/index.js';
import { writeIntOption } from '../../src/native/socket/socket-options.js';
import { tcpPrototype } from '../../src/node/tcp-handle.js';
import { clientTls, closing, connected, listening, portOf, serverTls } from '../endpoints.js';
import { fdOf, kernelStateOf } from '../kernel/descriptor.js';
import { hasIPv6 } from '../peers.js';

const full = { enabled: true, idle: 30_000, interval: 5000, count: 3 };

let inForce: ProcessPolicy | undefined;
const apply = (...args: Parameters<typeof applyToProcess>): ProcessPolicy => {
  inForce = applyToProcess(...args);
  return inForce;
};
afterEach(() => inForce?.close());

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

  it.each(['off', false] as const)('that is %s: keepalive stays off whatever the program calls', async (policy) => {
    const { status } = apply(policy);
    for (const end of await twoEnds()) {
      end.setKeepAlive(true, 5000);
      expect(getKeepAlive(end).enabled).toBe(false);
    }
    expect(status().overruled).toMatchObject([{ calls: 2 }]);
  });

  it('that is off only fills gaps in that mode', async () => {
    apply('off', { mode: 'fill' });
    const [first, second] = await twoEnds();
    first?.setKeepAlive(true, 5000);
    expect(getKeepAlive(first as net.Socket)).toMatchObject({ enabled: true, idle: 5000 });
    expect(getKeepAlive(second as net.Socket).enabled).toBe(false);
  });

  it('that is unmanaged leaves connections to the program', async () => {
    apply('unmanaged');
    for (const end of await twoEnds()) {
      end.setKeepAlive(true, 5000);
      expect(getKeepAlive(end)).toMatchObject({ enabled: true, idle: 5000 });
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

describe('a number that a later call does not state stays, as Node.js documents', () => {
  it.each<[string, Parameters<typeof applyToProcess>, unknown[][], object]>([
    ['the delay, in mode fill', ['30:5:3', { mode: 'fill' }], [[true, 7000], [true]], { ...full, idle: 7000 }],
    [
      'the delay, through off and on',
      ['30:5:3', { mode: 'fill' }],
      [[true, 7000], [false], [true]],
      { ...full, idle: 7000 },
    ],
    [
      'all that four arguments state',
      [{ idle: '30s' }],
      [[true, 9000, 7000, 4], [true]],
      { enabled: true, idle: 30_000, interval: 7000, count: 4 },
    ],
  ])('%s', async (_, [policy, options], calls, expected) => {
    apply(policy, options);
    const server = await listening(net.createServer());
    const early = closing(new net.Socket());
    for (const args of calls) Reflect.apply(early.setKeepAlive, early, args);
    early.connect(portOf(server), '127.0.0.1');
    await once(early, 'connect');
    const ends = await connected(server);
    for (const end of ends) for (const args of calls) Reflect.apply(end.setKeepAlive, end, args);
    for (const end of [early, ...ends]) expect(getKeepAlive(end)).toMatchObject(expected);
  });
});

describe('a connection that somebody else has set since', () => {
  const keepAlive = { name: 'SO_KEEPALIVE', level: 1, option: 9 };
  const idle = { name: 'TCP_KEEPIDLE', level: 6, option: 4 };

  it.each([
    ['keepalive off', keepAlive, 0],
    ['another idle time', idle, 7200],
  ])('has the policy again after setKeepAlive: %s', async (_, option, value) => {
    apply('30:5:3');
    for (const end of await twoEnds()) {
      end.setKeepAlive(true, 1000);
      writeIntOption(fdOf(end), option, value);
      end.setKeepAlive(true, 2000);
      expect(kernelStateOf(end)).toMatchObject(full);
    }
  });
});

describe('a server that listened before', () => {
  const connectThrice = `
    const net = require('node:net');
    let open = 0;
    for (let i = 0; i < 3; i++) net.connect(+process.argv[1], '127.0.0.1', () => { if (++open === 3) process.exit(); });`;

  it.each(['keeps the process alive', 'does not'])('hands the policy on, where it %s', async (kind) => {
    const server = await listening(net.createServer());
    if (kind === 'does not') server.unref();
    const [earlier, acceptedEarlier] = await connected(server);
    apply('30:5:3');
    for (let made = 0; made < 3; made += 1) {
      const [, accepted] = await connected(server);
      expect(getKeepAlive(accepted)).toMatchObject(full);
      accepted.setKeepAlive(true, 60_000);
      expect(getKeepAlive(accepted)).toMatchObject(full);
    }
    expect(getKeepAlive(server)).toMatchObject(full);
    for (const end of [earlier, acceptedEarlier]) expect(getKeepAlive(end).enabled).toBe(false);
  });

  it('gives it to connections that wait to be accepted, before a program sees them', async () => {
    const seen: object[] = [];
    const server = await listening(net.createServer((socket) => seen.push(getKeepAlive(socket))));
    const port = String(portOf(server));
    expect(spawnSync(process.execPath, ['-e', connectThrice, port]).status).toBe(0);
    const { status } = apply('30:5:3');
    await expect.poll(() => seen.length).toBe(3);
    for (const state of seen) expect(state).toMatchObject(full);
    await connected(server);
    expect(status()).toMatchObject({ set: 4, inherited: 1, listeners: 1 });
  });

  it('has its connections decided on one by one where a rule asks for the peer', async () => {
    const server = await listening(net.createServer());
    apply('30:5:3', { rules: [{ remote: '127.0.0.1', role: 'server', policy: '10:1:2' }] });
    const [, accepted] = await connected(server);
    expect(getKeepAlive(accepted).idle).toBe(10_000);
  });

  it("keeps a policy of this library's setKeepAlive", async () => {
    const server = await listening(net.createServer());
    setKeepAlive(server, '20:2:2');
    apply('30:5:3');
    const [, accepted] = await connected(server);
    accepted.setKeepAlive(true, 60_000);
    expect(getKeepAlive(accepted)).toMatchObject({ idle: 20_000, interval: 2000, count: 2 });
  });

  it.each([[false], [true]])('takes such a policy later, created with keepAlive: %s', async (keepAlive) => {
    apply('30:5:3');
    const server = await listening(net.createServer({ keepAlive, keepAliveInitialDelay: 60_000 }));
    setKeepAlive(server, '20:2:2');
    const [, accepted] = await connected(server);
    expect(getKeepAlive(accepted)).toMatchObject({ idle: 20_000, interval: 2000, count: 2 });
    accepted.setKeepAlive(true, 60_000);
    expect(getKeepAlive(accepted)).toMatchObject({ idle: 20_000, interval: 2000, count: 2 });
  });
});

describe('TLS to a name with two addresses', () => {
  it('is decided on by its name at the second address too, and keeps a policy of its own', async () => {
    apply('30:5:3', { rules: [{ host: 'two.test', policy: '10:1:2' }], mode: 'fill' });
    const server = await listening(tls.createServer(serverTls, (socket) => socket.on('error', () => {})));
    const addresses = [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ];
    const lookup = (_: string, __: unknown, done: (error: null, found: object[]) => void) =>
      setImmediate(() => done(null, addresses));
    const options = { host: 'two.test', port: portOf(server), autoSelectFamily: true, ...clientTls, lookup };
    const connect = () => closing(tls.connect(options as unknown as tls.ConnectionOptions));
    const [ruled, own] = [connect(), connect()];
    setKeepAlive(own, '20:2:2');
    await Promise.all([once(ruled, 'secureConnect'), once(own, 'secureConnect')]);
    expect(getKeepAlive(ruled)).toMatchObject({ idle: 10_000, interval: 1000, count: 2 });
    own.setKeepAlive(true, 60_000);
    expect(getKeepAlive(own)).toMatchObject({ idle: 20_000, interval: 2000, count: 2 });
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

  it('false holds keepalive off', async () => {
    apply('30:5:3');
    for (const end of await twoEnds()) {
      setKeepAlive(end, false);
      expect(getKeepAlive(end).enabled).toBe(false);
      end.setKeepAlive(true, 60_000);
      expect(getKeepAlive(end).enabled).toBe(false);
    }
  });

  it('also before connecting and before listening', async () => {
    apply('30:5:3');
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
    off.setKeepAlive(true, 1000);
    expect(getKeepAlive(off).enabled).toBe(false);
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
    policy.close();
    policy.close();
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
    policy.close();
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
    second.close();
    const [last, acceptedLast] = await connected(server);
    for (const end of [last, acceptedLast]) expect(getKeepAlive(end)).toMatchObject(full);
  });
});

it('a listener that has no descriptor before it listens hands the policy on', async () => {
  const { status } = apply('30:5:3');
  const { constructor: TcpClass } = tcpPrototype() as unknown as { constructor: new (type: number) => object };
  const server = closing(net.createServer()).listen(new TcpClass(1));
  await once(server, 'listening');
  const [client, accepted] = await connected(server);
  for (const end of [server, client, accepted]) expect(getKeepAlive(end)).toMatchObject(full);
  expect(status()).toMatchObject({ listeners: 1, inherited: 1, skipped: { noDescriptor: 0 } });
});
