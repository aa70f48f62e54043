import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { attempt, type Behaviours, closed, failure, here, listening, log, opening, pair, portOf } from './observing.js';

type Call = (...args: unknown[]) => unknown;

const attributes = (target: object, key: string) => {
  const { value, ...rest } = Object.getOwnPropertyDescriptor(target, key) ?? {};
  const { name, length } = value as Call;
  return { ...rest, name, length, keys: Reflect.ownKeys(value as Call).map(String) };
};

const prototypeOf = (socket: net.Socket) =>
  Object.getPrototypeOf((socket as unknown as { _handle: object })._handle) as object;

async function oddArguments(): Promise<unknown> {
  const [client] = await pair();
  const delays = ['1000', -1, Number.NaN, 1e12, null, {}, 1000n, Symbol('delay')];
  const options = [{}, { enable: true, initialDelay: 2000 }, { enable: false }, { enable: true, interval: -5 }];
  const more = [[], [null], ['yes'], [true, 1000, 0, 0], [true, 1000, 2000, 'x']];
  const lists = [...delays.map((given) => [true, given]), ...options.map((given) => [given]), ...more];
  return [client, new net.Socket()].map((socket) =>
    lists.map((args) => attempt(() => (socket.setKeepAlive as Call).apply(socket, args) === socket)),
  );
}

async function strangeReceivers(): Promise<unknown> {
  const call = net.Socket.prototype.setKeepAlive as Call;
  return [undefined, null, 1, {}, { _handle: {} }, { _handle: null }, { pending: true }].map((receiver) =>
    attempt(() => call.call(receiver, true, 1000) === receiver),
  );
}

async function beforeConnect(): Promise<unknown> {
  const server = await listening(net.createServer());
  const socket = opening(new net.Socket());
  const isItself = socket.setKeepAlive(true, 5000) === socket;
  const events = log(socket, 'connect', 'ready', 'error', 'close');
  socket.connect(portOf(server), here);
  const whileConnecting = socket.setKeepAlive(false) === socket;
  await once(socket, 'ready');
  socket.destroy();
  await closed(socket);
  return { isItself, whileConnecting, events };
}

async function afterClose(): Promise<unknown> {
  const [client] = await pair();
  const events = log(client, 'error', 'close');
  client.destroy();
  const destroyed = attempt(() => client.setKeepAlive(true, 1000) === client);
  await closed(client);
  const gone = attempt(() => client.setKeepAlive(true, 1000) === client);
  const never = new net.Socket().destroy();
  return { destroyed, gone, never: attempt(() => never.setKeepAlive(true) === never), events };
}

async function insideEvents(): Promise<unknown> {
  const [client, accepted] = await pair();
  const seen: unknown[] = [];
  client.on('end', () => seen.push(['end', attempt(() => client.setKeepAlive(true, 1000) === client)]));
  client.on('close', () => seen.push(['close', attempt(() => client.setKeepAlive(true, 1000) === client)]));
  client.on('data', () => seen.push(['data', attempt(() => client.setKeepAlive(false) === client)]));
  accepted.end('bye');
  await closed(client);
  return seen;
}

async function onPipe(): Promise<unknown> {
  const folder = mkdtempSync(path.join(tmpdir(), 'pipe-'));
  try {
    const server = opening(net.createServer()).listen(path.join(folder, 'socket'));
    await once(server, 'listening');
    const client = opening(net.connect(path.join(folder, 'socket')));
    const early = client.setKeepAlive(true, 1000) === client;
    const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
      [net.Socket],
      [],
    ];
    opening(accepted);
    return {
      early,
      open: attempt(() => client.setKeepAlive(true, 2000) === client),
      accepted: attempt(() => accepted.setKeepAlive(true, 2000) === accepted),
      addresses: [client.remoteAddress, client.localAddress, accepted.address()],
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function subclass(): Promise<unknown> {
  const calls: unknown[][] = [];
  class Counting extends net.Socket {
    override setKeepAlive(...args: Parameters<net.Socket['setKeepAlive']>): this {
      calls.push(args);
      return super.setKeepAlive(...args);
    }
  }
  const server = await listening(net.createServer());
  const socket = opening(new Counting());
  socket.setKeepAlive(true, 3000);
  socket.connect({ port: portOf(server), host: here, keepAlive: true, keepAliveInitialDelay: 1000 });
  await once(socket, 'connect');
  return { calls, isItself: socket.setKeepAlive() === socket };
}

/** A program that puts a wrapper of its own around what it finds. */
async function wrapped(): Promise<unknown> {
  const { prototype } = net.Socket;
  const original = prototype.setKeepAlive;
  const calls: unknown[][] = [];
  prototype.setKeepAlive = function setKeepAlive(...args) {
    calls.push(args);
    return original.apply(this, args);
  };
  try {
    const [client, accepted] = await pair();
    client.setKeepAlive(true, 4000).setKeepAlive(false);
    accepted.setKeepAlive();
    return calls;
  } finally {
    prototype.setKeepAlive = original;
  }
}

/** What a handle's own call answers, which Node.js drops. */
async function handleCalls(): Promise<unknown> {
  const [client] = await pair();
  const { _handle: handle } = client as unknown as { _handle: { setKeepAlive: Call } };
  const answers = [[true, 5], [false], [true, 1], [false, 0]].map((args) =>
    attempt(() => handle.setKeepAlive(...args)),
  );
  client.destroy();
  return { answers, closed: attempt(() => typeof handle.setKeepAlive(true, 5)) };
}

async function connectOption(): Promise<unknown> {
  const server = await listening(net.createServer());
  const connect = async (options: object) => {
    const socket = opening(net.connect({ port: portOf(server), host: here, ...options } as net.NetConnectOpts));
    const events = log(socket, 'connect', 'error');
    await once(socket, 'ready');
    return [events, socket.destroy() === socket];
  };
  return [
    await connect({ keepAlive: true }),
    await connect({ keepAlive: true, keepAliveInitialDelay: 30_000 }),
    await connect({ keepAlive: false, noDelay: true }),
    attempt(() => new net.Socket({ keepAlive: true } as net.SocketConstructorOpts).pending),
  ];
}

export const keepAlive: Behaviours = {
  'setKeepAlive returns its socket and can be chained': async () => {
    const [client, accepted] = await pair();
    const chained = client.setKeepAlive(true, 1000).setNoDelay(true).setTimeout(0).setKeepAlive(false).ref().unref();
    return [chained === client, accepted.setKeepAlive() === accepted];
  },
  'setKeepAlive has its name, length and attributes': async () => attributes(net.Socket.prototype, 'setKeepAlive'),
  'net.Socket.prototype has the properties it had': async () => ({
    keys: Object.keys(net.Socket.prototype),
    all: Reflect.ownKeys(net.Socket.prototype).map(String),
    ofTls: Reflect.ownKeys(tls.TLSSocket.prototype).map(String),
    ofServer: Reflect.ownKeys(net.Server.prototype).map(String),
  }),
  'an open socket has the properties it had': async () => {
    const [client, accepted] = await pair();
    const inherited: string[] = [];
    for (const key in client) inherited.push(key);
    client.setKeepAlive(true, 1000);
    const events = (socket: net.Socket) =>
      socket.eventNames().map((name) => [String(name), socket.listenerCount(name)]);
    return { inherited, keys: [client, accepted].map(Object.keys), events: [client, accepted].map(events) };
  },
  'the handle has the methods it had': async () => {
    const [client] = await pair();
    const prototype = prototypeOf(client);
    const names = ['connect', 'connect6', 'listen', 'setKeepAlive', 'setNoDelay', 'bind'];
    return {
      keys: Reflect.ownKeys(prototype).map(String),
      calls: names.map((name) => {
        const { name: given, length } = (prototype as Record<string, Call>)[name] as Call;
        return [given, length];
      }),
    };
  },
  "the handle's own setKeepAlive answers 0, and not after it was closed": handleCalls,
  'setKeepAlive takes odd arguments as before': oddArguments,
  'setKeepAlive on what is no socket': strangeReceivers,
  'setKeepAlive before and while connecting': beforeConnect,
  'setKeepAlive after destroy and close': afterClose,
  "setKeepAlive in 'data', 'end' and 'close'": insideEvents,
  'setKeepAlive on a unix socket': onPipe,
  'a subclass that overrides setKeepAlive': subclass,
  'a program that wraps setKeepAlive itself': wrapped,
  'the keepAlive options of connect': connectOption,
  'setKeepAlive on a TLS socket before its connection': async () => {
    const server = await listening(net.createServer());
    const socket = opening(tls.connect({ port: portOf(server), host: here, rejectUnauthorized: false }));
    const isItself = socket.setKeepAlive(true, 1000) === socket;
    const events = log(socket, 'connect', 'secureConnect', 'close');
    const failed = once(socket, 'error').then(([error]) => failure(error));
    server.once('connection', (accepted) => accepted.end());
    const error = await failed;
    return { isItself, events, error };
  },
};
