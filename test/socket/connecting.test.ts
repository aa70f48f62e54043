import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import { describe, expect, it } from 'vitest';
import { getKeepAlive, setKeepAlive } from '../../src/index.js';
import { readTcpInfo } from '../../src/socket/tcp-info.js';
import { clientTls, closed, closing, listening, portOf, serverTls } from '../endpoints.js';
import { article, fdOf, kernelStateOf, rawListener, tcpState } from '../kernel/descriptor.js';
import { moment } from '../kernel/observation.js';

const SYN_SENT = 2;
const pending = { ...article, status: 'pending' };

function listenersOf(socket: net.Socket): number {
  return socket.eventNames().reduce((total, event) => total + socket.listenerCount(event), 0);
}

async function acceptedBy(server: net.Server, client: net.Socket): Promise<void> {
  await Promise.all([once(server, 'connection'), once(client, 'connect')]);
}

describe('a socket without a descriptor', () => {
  it('gets the policy when it connects later, without a listener for it', async () => {
    const server = await listening(net.createServer());
    const client = closing(new net.Socket());
    const plain = closing(new net.Socket());
    expect(() => getKeepAlive(client)).toThrow(expect.objectContaining({ code: 'ENOTCONN', syscall: 'getsockopt' }));
    expect(setKeepAlive(client, '30:5:3')).toEqual(pending);
    expect(getKeepAlive(client)).toEqual(pending);
    client.connect(portOf(server), '127.0.0.1');
    await acceptedBy(server, client);
    expect(getKeepAlive(client)).toEqual(article);
    expect(kernelStateOf(client)).toEqual(article);
    expect(listenersOf(client)).toBe(listenersOf(plain));
  });

  it('has it before any listener for its connection runs, and before the other end can have written', async () => {
    const server = await listening(net.createServer((socket) => socket.end('x')));
    const client = closing(new net.Socket());
    const seen: Record<string, unknown> = {};
    client.on('connect', () => Object.assign(seen, { before: kernelStateOf(client) }));
    setKeepAlive(client, '30:5:3');
    client.on('connect', () => Object.assign(seen, { after: kernelStateOf(client) }));
    client.on('data', () => Object.assign(seen, { data: kernelStateOf(client) }));
    client.connect(portOf(server), '127.0.0.1');
    await once(client, 'close');
    expect(seen).toEqual({ before: article, after: article, data: article });
  });

  it('has it in the kernel while the handshake is still under way', async () => {
    using listener = rawListener(0);
    const first = closing(net.connect(listener.port, '127.0.0.1'));
    await once(first, 'connect');
    await moment(() => readTcpInfo(listener.fd).unacked === 1, 'the first waits to be accepted, and there is no room');
    const client = closing(net.connect(listener.port, '127.0.0.1'));
    setKeepAlive(client, '30:5:3');
    await once(client, 'connectionAttempt');
    await new Promise(setImmediate);
    expect(tcpState(fdOf(client))).toBe(SYN_SENT);
    expect(kernelStateOf(client)).toEqual(article);
    expect(getKeepAlive(client)).toEqual(article);
    expect(setKeepAlive(client, { count: 7 })).toEqual({ ...article, count: 7 });
    expect(tcpState(fdOf(client))).toBe(SYN_SENT);
    expect(kernelStateOf(client)).toEqual({ ...article, count: 7 });
  });

  it('gets it on every address that a host name stands for', async () => {
    const server = await listening(net.createServer());
    const lookup = ((_host: string, _options: unknown, done: (error: null, addresses: unknown[]) => void) =>
      setImmediate(() =>
        done(null, [
          { address: '::1', family: 6 },
          { address: '127.0.0.1', family: 4 },
        ]),
      )) as unknown as net.LookupFunction;
    const client = closing(net.connect({ host: 'two.test', port: portOf(server), lookup, autoSelectFamily: true }));
    const tried: string[] = [];
    client.on('connectionAttempt', (address: string) => tried.push(address));
    expect(setKeepAlive(client, '30:5:3')).toEqual(pending);
    await acceptedBy(server, client);
    expect(tried).toEqual(['::1', '127.0.0.1']);
    expect(kernelStateOf(client)).toEqual(article);
  });

  it("wins over Node's own keepAlive option, which would reset interval and count", async () => {
    const server = await listening(net.createServer());
    const options = { port: portOf(server), host: '127.0.0.1', keepAlive: true, keepAliveInitialDelay: 60000 };
    const untouched = closing(net.connect(options));
    await acceptedBy(server, untouched);
    expect(kernelStateOf(untouched)).toMatchObject({ enabled: true, idle: 60000, interval: 1000, count: 10 });
    const client = closing(net.connect(options));
    const first = new Promise((resolve) => client.on('connect', () => resolve(kernelStateOf(client))));
    setKeepAlive(client, '30:5:3');
    await acceptedBy(server, client);
    expect([await first, kernelStateOf(client)]).toEqual([article, article]);
  });

  it('wins over a setKeepAlive call of Node.js that waits for the connection', async () => {
    const server = await listening(net.createServer());
    const client = closing(net.connect(portOf(server), '127.0.0.1'));
    setKeepAlive(client, '30:5:3');
    client.setKeepAlive(true, 60000);
    await acceptedBy(server, client);
    expect(kernelStateOf(client)).toEqual(article);
  });

  it('gets the latest policy, and what that one leaves out from the one before', async () => {
    const server = await listening(net.createServer());
    const client = closing(new net.Socket());
    setKeepAlive(client, '90:9:9:auto');
    expect(setKeepAlive(client, '30:5:3:0')).toEqual(pending);
    expect(setKeepAlive(client, { idle: '20s', userTimeout: 45000 })).toMatchObject({ idle: 20000, interval: 5000 });
    client.connect(portOf(server), '127.0.0.1');
    await acceptedBy(server, client);
    expect(kernelStateOf(client)).toEqual({ ...article, idle: 20000, userTimeout: 45000 });
  });

  it('is turned off by false, whatever was to be set', async () => {
    const server = await listening(net.createServer());
    const client = closing(net.connect({ port: portOf(server), host: '127.0.0.1', keepAlive: true }));
    setKeepAlive(client, '30:5:3');
    expect(setKeepAlive(client, false)).toMatchObject({ enabled: false, status: 'pending' });
    await acceptedBy(server, client);
    expect(kernelStateOf(client).enabled).toBe(false);
  });

  it.each(['refused', 'destroyed'])('has no listener of ours, also when it is %s', async (end) => {
    const server = await listening(net.createServer());
    const port = portOf(server);
    server.close();
    await once(server, 'close');
    const plain = closing(new net.Socket());
    const client = closing(new net.Socket());
    setKeepAlive(client, '30:5:3');
    expect(listenersOf(client)).toBe(listenersOf(plain));
    client.connect(port, '127.0.0.1');
    plain.connect(port, '127.0.0.1');
    if (end === 'destroyed') for (const socket of [client, plain]) socket.destroy();
    await Promise.all([closed(client), closed(plain)]);
    expect(listenersOf(client)).toBe(listenersOf(plain));
    expect(() => getKeepAlive(client)).toThrow(expect.objectContaining({ code: 'EBADF' }));
    expect(() => setKeepAlive(client, '30:5:3')).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });

  it('starts without a policy when it is connected a second time, and takes one again', async () => {
    const server = await listening(net.createServer((socket) => socket.end()));
    const client = closing(new net.Socket());
    setKeepAlive(client, '30:5:3');
    client.connect(portOf(server), '127.0.0.1').resume();
    await once(client, 'close');
    client.connect(portOf(server), '127.0.0.1');
    await once(client, 'connect');
    expect(kernelStateOf(client).enabled).toBe(false);
    await once(client.resume(), 'close');
    client.connect(portOf(server), '127.0.0.1');
    expect(setKeepAlive(client, '30:5:3')).toEqual(pending);
    await once(client, 'connect');
    expect(kernelStateOf(client)).toEqual(article);
  });

  it('is destroyed with the error when what it connects to is no TCP socket', async () => {
    const path = `\0tcp-keepalive-${process.pid}-connecting`;
    const server = closing(net.createServer());
    server.listen(path);
    await once(server, 'listening');
    const client = closing(new net.Socket());
    setKeepAlive(client, '30:5:3');
    client.connect(path);
    const [error] = await once(client, 'error');
    expect(error).toMatchObject({ code: 'ERR_KEEPALIVE_UNSUPPORTED' });
    expect(client.destroyed).toBe(true);
  });
});

describe('a policy that is promised for later', () => {
  const nodesOwn = { keepAlive: true, keepAliveInitialDelay: 60_000 };

  it.each<[string, () => net.Socket]>([
    ['a socket', () => new net.Socket()],
    ['a socket that was created with keepAlive', () => new net.Socket(nodesOwn as net.SocketConstructorOpts)],
    ['a socket that asked for keepalive itself', () => new net.Socket().setKeepAlive(true, 60_000)],
  ])('is kept by %s whose listeners are all removed before it connects', async (_, create) => {
    const server = await listening(net.createServer());
    const client = closing(create());
    setKeepAlive(client, '30:5:3');
    client.removeAllListeners();
    client.on('error', () => {}).connect(portOf(server), 'localhost');
    client.removeAllListeners();
    await acceptedBy(server, client);
    expect(kernelStateOf(client)).toEqual(article);
  });

  it('is kept while it connects, whatever is asked of Node.js meanwhile', async () => {
    const server = await listening(net.createServer());
    const client = closing(net.connect({ port: portOf(server), host: '127.0.0.1', ...nodesOwn }));
    setKeepAlive(client, '30:5:3');
    client.removeAllListeners();
    await new Promise<void>((resolve) => process.nextTick(resolve));
    expect(kernelStateOf(client)).toEqual(article);
    client.setKeepAlive(true, 90_000);
    expect(kernelStateOf(client)).toEqual(article);
    await acceptedBy(server, client);
    expect(kernelStateOf(client)).toEqual(article);
  });

  it.each([[true], [false]])("leaves later calls to the program, where Node's own is due: %s", async (isDue) => {
    const server = await listening(net.createServer());
    const client = closing(new net.Socket());
    if (isDue) client.setKeepAlive(true, 90_000);
    setKeepAlive(client, '30:5:3');
    const seen: unknown[] = [];
    client.on('connect', () => {
      seen.push(kernelStateOf(client));
      client.setKeepAlive(true, 60_000);
      seen.push(kernelStateOf(client));
    });
    client.connect(portOf(server), '127.0.0.1');
    await acceptedBy(server, client);
    expect(seen).toMatchObject([article, { enabled: true, idle: 60_000, interval: 1000, count: 10 }]);
  });

  it('that is given during the handshake holds against what Node.js does at its end, and then no longer', async () => {
    using listener = rawListener(0);
    const first = closing(net.connect(listener.port, '127.0.0.1'));
    await once(first, 'connect');
    await moment(() => readTcpInfo(listener.fd).unacked === 1, 'the first waits to be accepted, and there is no room');
    const server = await listening(net.createServer());
    const client = closing(net.connect({ port: portOf(server), host: '127.0.0.1', ...nodesOwn }));
    await new Promise<void>((resolve) => process.nextTick(resolve));
    expect(client.connecting).toBe(true);
    expect(setKeepAlive(client, '30:5:3')).toEqual(article);
    await acceptedBy(server, client);
    expect(kernelStateOf(client)).toEqual(article);
    client.setKeepAlive(true, 70_000);
    expect(kernelStateOf(client)).toMatchObject({ idle: 70_000, interval: 1000 });
  });

  it('is kept over TLS, at the second address too', async () => {
    const server = await listening(tls.createServer(serverTls, (socket) => socket.on('error', () => {})));
    const addresses = [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ];
    const lookup = (_: string, __: unknown, done: (error: null, found: object[]) => void) =>
      setImmediate(() => done(null, addresses));
    const options = { host: 'two.test', port: portOf(server), autoSelectFamily: true, ...nodesOwn, ...clientTls };
    const client = closing(tls.connect({ ...options, lookup } as unknown as tls.ConnectionOptions));
    expect(setKeepAlive(client, '30:5:3')).toEqual(pending);
    await once(client, 'secureConnect');
    expect(client.autoSelectFamilyAttemptedAddresses).toHaveLength(2);
    expect(kernelStateOf(client)).toEqual(article);
  });

  it("is kept on an agent's socket, which the agent gives keepalive of its own", async () => {
    const server = await listening(http.createServer((_, response) => response.end('.')));
    const agent = new http.Agent({ keepAlive: true, keepAliveMsecs: 60_000 });
    const request = http.get({ port: portOf(server), host: '127.0.0.1', agent });
    const [socket] = (await once(request, 'socket')) as [net.Socket];
    setKeepAlive(socket, '30:5:3');
    await once(request, 'response');
    expect(kernelStateOf(socket)).toEqual(article);
    agent.destroy();
  });

  it('leaves nothing on the socket and its handle once it is connected', async () => {
    const server = await listening(net.createServer());
    const [plain, client] = [closing(new net.Socket()), closing(new net.Socket())];
    setKeepAlive(client, '30:5:3');
    for (const socket of [plain, client]) {
      socket.connect(portOf(server), '127.0.0.1');
      await acceptedBy(server, socket);
    }
    const ownKeys = (socket: net.Socket) => {
      const { _handle: handle } = socket as unknown as { _handle: object };
      return [Reflect.ownKeys(socket), Reflect.ownKeys(handle)].map((keys) => keys.map(String));
    };
    expect(ownKeys(client)).toEqual(ownKeys(plain));
  });

  it('is forgotten by a socket that was destroyed while its name was looked up', async () => {
    const server = await listening(net.createServer());
    const client = closing(new net.Socket());
    setKeepAlive(client, '30:5:3');
    client.connect({ port: portOf(server), host: 'never.test', lookup: () => {} });
    client.destroy();
    await closed(client);
    client.connect(portOf(server), '127.0.0.1');
    await acceptedBy(server, client);
    expect(kernelStateOf(client).enabled).toBe(false);
  });

  it('has its numbers again when it is turned off and on', async () => {
    const server = await listening(net.createServer());
    const client = closing(new net.Socket());
    setKeepAlive(client, '30:5:3');
    expect(setKeepAlive(client, false)).toEqual({ ...pending, enabled: false });
    expect(getKeepAlive(client)).toEqual({ ...pending, enabled: false });
    expect(setKeepAlive(client, {})).toEqual(pending);
    expect(setKeepAlive(client, false)).toMatchObject({ enabled: false });
    client.connect(portOf(server), '127.0.0.1');
    await acceptedBy(server, client);
    expect(kernelStateOf(client)).toEqual({ ...article, enabled: false });
    expect(setKeepAlive(client, {})).toEqual(article);
  });
});
