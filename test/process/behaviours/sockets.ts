import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import {
  attempt,
  type Behaviours,
  closed,
  failure,
  here,
  listening,
  log,
  opening,
  pair,
  portOf,
  textOf,
} from './observing.js';

const lifetime = ['lookup', 'connect', 'ready', 'data', 'end', 'finish', 'timeout', 'error', 'close'];

const flags = (socket: net.Socket) => {
  const { connecting, pending, destroyed, closed: isClosed, readyState, readable, writable, errored } = socket;
  return { connecting, pending, destroyed, isClosed, readyState, readable, writable, errored: errored?.message };
};

async function wholeLife(): Promise<unknown> {
  const server = await listening(net.createServer());
  const client = new net.Socket();
  const ofClient = log(client, ...lifetime);
  const states = [flags(client)];
  client.connect(portOf(server), here);
  states.push(flags(client));
  const [accepted] = (await once(server, 'connection')) as [net.Socket];
  const ofAccepted = log(accepted, ...lifetime);
  if (client.connecting) await once(client, 'connect');
  states.push(flags(client), flags(accepted));
  accepted.once('data', (text) => accepted.end(text));
  client.write('hello');
  await once(client, 'end');
  await Promise.all([closed(client), closed(accepted)]);
  states.push(flags(client), flags(accepted));
  return { ofClient, ofAccepted, states, bytes: [client.bytesRead, client.bytesWritten, accepted.bytesRead] };
}

async function halfOpen(allowHalfOpen: boolean): Promise<unknown> {
  const [client, accepted] = await pair({ allowHalfOpen });
  const events = log(accepted, ...lifetime);
  accepted.resume();
  client.end();
  await once(accepted, 'end');
  await delay(20);
  const isWritable = accepted.writable;
  if (isWritable) accepted.end('still here');
  const heard = await textOf(client);
  if (!accepted.destroyed) await closed(accepted);
  return { isWritable, heard, events };
}

async function pausing(): Promise<unknown> {
  const [client, accepted] = await pair();
  const seen: unknown[] = [];
  client.on('data', (data) => seen.push(String(data)));
  const isItself = client.pause() === client;
  accepted.write('one');
  await delay(30);
  seen.push(client.isPaused());
  client.resume();
  await once(client, 'data');
  client.setEncoding('hex');
  accepted.write('two');
  await once(client, 'data');
  return { isItself, seen };
}

async function reset(): Promise<unknown> {
  const [client, accepted] = await pair();
  const ofClient = log(client, ...lifetime);
  const ofAccepted = log(accepted, ...lifetime);
  const isItself = client.resetAndDestroy() === client;
  await Promise.all([closed(client), closed(accepted)]);
  const unconnected = new net.Socket();
  const ofUnconnected = log(unconnected, ...lifetime);
  unconnected.resetAndDestroy();
  await closed(unconnected);
  return { isItself, ofClient, ofAccepted, ofUnconnected };
}

async function backPressure(): Promise<unknown> {
  const [client, accepted] = await pair();
  const size = 8 * 1024 * 1024;
  let heard = 0;
  const isRoom = client.write(Buffer.alloc(size));
  const drained = once(client, 'drain');
  accepted.on('data', (data: Buffer) => {
    heard += data.length;
  });
  await drained;
  client.end();
  await once(accepted, 'end');
  return { isRoom, isAll: heard === size, written: client.bytesWritten };
}

async function writeCallbacks(): Promise<unknown> {
  const [client, accepted] = await pair();
  const order: unknown[] = [];
  client.cork();
  client.write('a', () => order.push('a'));
  client.write('b', 'latin1', () => order.push('b'));
  client.uncork();
  client.end('c', () => order.push('end'));
  client.write('d', (error) => order.push(error && failure(error)));
  client.on('error', (error) => order.push(['error', failure(error)]));
  const text = await textOf(accepted);
  await (client.closed || closed(client));
  return { order, text };
}

async function writeAfterDestroy(): Promise<unknown> {
  const [client] = await pair();
  const events = log(client, ...lifetime);
  client.destroy();
  const told = new Promise((resolve) => client.write('late', (error) => resolve(error && failure(error))));
  const result = { told: await told, ended: attempt(() => client.end() === client) };
  if (!client.closed) await closed(client);
  return { ...result, events };
}

async function timeouts(): Promise<unknown> {
  const [client] = await pair();
  const events = log(client, 'timeout', 'close');
  const isItself = client.setTimeout(20, () => events.push(['callback'])) === client;
  await once(client, 'timeout');
  const { timeout, destroyed } = client;
  client.setTimeout(0);
  const refused = [-1, Number.POSITIVE_INFINITY, '5'].map((given) => attempt(() => client.setTimeout(given as number)));
  return { isItself, timeout, destroyed, events, refused };
}

async function again(): Promise<unknown> {
  const server = await listening(net.createServer((socket) => socket.end('hi')));
  const socket = opening(new net.Socket());
  const events = log(socket, 'connect', 'end', 'close');
  const texts: string[] = [];
  for (const _ of [1, 2]) {
    socket.connect(portOf(server), here);
    socket.once('data', (data) => texts.push(String(data)));
    await closed(socket);
  }
  return { events, texts };
}

async function twice(): Promise<unknown> {
  const [client] = await pair();
  const server = await listening(net.createServer());
  const error = once(client, 'error').then(([reason]) => failure(reason));
  const thrown = attempt(() => client.connect(portOf(server), here) === client);
  return { thrown, error: await Promise.race([error, delay(50, 'no error')]) };
}

async function aborted(): Promise<unknown> {
  const server = await listening(net.createServer());
  const abort = new AbortController();
  const socket = new net.Socket({ signal: abort.signal } as net.SocketConstructorOpts);
  const events = log(socket, ...lifetime);
  socket.connect(portOf(server), here);
  await once(socket, 'connect');
  abort.abort();
  await closed(socket);
  return events;
}

async function ownBuffer(): Promise<unknown> {
  const server = await listening(net.createServer((socket) => socket.end('into a buffer')));
  const texts: string[] = [];
  const socket = opening(
    net.connect({
      port: portOf(server),
      host: here,
      onread: { buffer: Buffer.alloc(4), callback: (size, buffer) => texts.push(String(buffer.subarray(0, size))) > 0 },
    } as net.NetConnectOpts),
  );
  await closed(socket);
  return texts;
}

async function proxy(): Promise<unknown> {
  const target = await listening(net.createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)));
  const between = await listening(
    net.createServer({ allowHalfOpen: true }, (socket) => {
      const onward = opening(net.connect({ port: portOf(target), host: here, allowHalfOpen: true }));
      socket.pipe(onward).pipe(socket);
    }),
  );
  const client = opening(net.connect(portOf(between), here));
  client.end('through two');
  return textOf(client);
}

export const sockets: Behaviours = {
  'a connection: events and states from its beginning to its end': wholeLife,
  'allowHalfOpen: true': () => halfOpen(true),
  'allowHalfOpen: false': () => halfOpen(false),
  'pause, resume and setEncoding': pausing,
  'resetAndDestroy, open and before connect': reset,
  'back pressure and drain': backPressure,
  'callbacks of write and end, a write after end': writeCallbacks,
  'a write after destroy': writeAfterDestroy,
  'setTimeout and its arguments': timeouts,
  'a socket that connects again after its end': again,
  'a socket that connects while it is connected': twice,
  'an abort signal destroys a socket': aborted,
  'onread fills a buffer of the program': ownBuffer,
  'pipe through a proxy of two sockets': proxy,
  'destroy with an error': async () => {
    const [client, accepted] = await pair();
    const [ofClient, ofAccepted] = [log(client, ...lifetime), log(accepted, ...lifetime)];
    accepted.resume();
    client.destroy(new Error('enough'));
    await Promise.all([closed(client), closed(accepted)]);
    return { ofClient, ofAccepted, state: flags(client) };
  },
  'the addresses of both ends': async () => {
    const [client, accepted] = await pair();
    const ends = () =>
      [client, accepted].map(({ localAddress, localFamily, remoteAddress, remoteFamily, localPort, remotePort }) => [
        localAddress,
        localFamily,
        remoteAddress,
        remoteFamily,
        typeof localPort,
        typeof remotePort,
      ]);
    const before = ends();
    const isMatch = client.localPort === accepted.remotePort && client.remotePort === accepted.localPort;
    client.destroy();
    accepted.destroy();
    return { before, isMatch, after: ends() };
  },
  'destroySoon waits for what is written': async () => {
    const [client, accepted] = await pair();
    client.write(Buffer.alloc(100_000, 'x'));
    client.destroySoon();
    return { length: (await textOf(accepted)).length, isDestroyed: client.destroyed };
  },
};
