import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
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
  until,
} from './observing.js';

const lifetime = ['listening', 'connection', 'drop', 'error', 'close'];

const connect = (server: net.Server) => opening(net.connect(portOf(server), here)).on('error', () => {});

async function listen(options: net.ListenOptions): Promise<unknown> {
  const server = opening(net.createServer());
  const events = log(server, ...lifetime);
  const isItself = attempt(() => server.listen(options, () => events.push(['callback'])) === server);
  if (isItself !== true) return isItself;
  await Promise.race([once(server, 'listening'), once(server, 'error')]).catch(() => {});
  const address = server.address();
  const shown = typeof address === 'object' && address ? { ...address, port: typeof address.port } : address;
  return { shown, listening: server.listening, events };
}

async function wholeLife(): Promise<unknown> {
  const server = opening(net.createServer());
  const events = log(server, ...lifetime);
  const before = [server.listening, server.address()];
  server.listen(0, here);
  await once(server, 'listening');
  const client = connect(server);
  await once(server, 'connection');
  server.close((error) => events.push(['closed', error === undefined]));
  const after = [server.listening, server.address(), attempt(() => server.close() === server)];
  client.destroy();
  await closed(server);
  const again = await new Promise((resolve) => server.close((error) => resolve(failure(error))));
  return { before, after, again, events };
}

async function twice(): Promise<unknown> {
  const server = await listening(net.createServer());
  const while1 = attempt(() => server.listen(0));
  server.close();
  await closed(server);
  server.listen(0, here);
  await once(server, 'listening');
  return { while1, again: server.listening };
}

async function taken(): Promise<unknown> {
  const first = await listening(net.createServer());
  const second = opening(net.createServer());
  const events = log(second, ...lifetime);
  second.listen(portOf(first), here);
  const [error] = await once(second, 'error');
  second.listen(0, here);
  await once(second, 'listening');
  return { error: failure(error), events, listening: second.listening };
}

async function onPath(): Promise<unknown> {
  const folder = mkdtempSync(path.join(tmpdir(), 'path-'));
  try {
    const file = path.join(folder, 'socket');
    const server = opening(net.createServer((socket) => socket.end('from the path')));
    server.listen({ path: file, readableAll: true, writableAll: true });
    await once(server, 'listening');
    const mode = (statSync(file).mode & 0o777).toString(8);
    const client = opening(net.connect(file));
    const [text] = await once(client, 'data');
    const isAddress = server.address() === file;
    client.destroy();
    server.close();
    await closed(server);
    return { mode, text: String(text), isAddress, isLeft: existsSync(file) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function badArguments(): Promise<unknown> {
  const server = opening(net.createServer());
  const options = [{}, { port: -1 }, { port: 'x' }, { port: 65_536 }, { path: 5 }, { fd: -1 }, { host: here }, 'x'];
  const more = [{ port: 0, host: 5 }, { port: 0, signal: 5 }, Number.NaN, -1, true];
  return [...options, ...more].map((given) =>
    attempt(() => {
      const other = opening(net.createServer()).on('error', () => {});
      return other.listen(given as net.ListenOptions).close() === server;
    }),
  );
}

async function byAnotherServer(): Promise<unknown> {
  const first = await listening(net.createServer());
  const second = opening(net.createServer((socket) => socket.end('second')));
  second.listen(first);
  await once(second, 'listening');
  const isSame = portOf(first) === portOf(second);
  const client = connect(second);
  const [text] = await once(client, 'data');
  return { isSame, text: String(text) };
}

async function limited(): Promise<unknown> {
  const server = await listening(net.createServer());
  server.maxConnections = 1;
  const first = connect(server);
  await once(server, 'connection');
  const events = log(server, ...lifetime);
  const second = connect(server);
  const [[data]] = (await Promise.all([once(server, 'drop'), closed(second)])) as unknown as [[object]];
  const count = await countOf(server);
  first.destroy();
  return { events, count, keys: Object.keys(data), drop: { ...data, localPort: 0, remotePort: 0 } };
}

const countOf = (server: net.Server) =>
  new Promise((resolve) => server.getConnections((error, count) => resolve(error ?? count)));

async function counted(): Promise<unknown> {
  const server = await listening(net.createServer());
  const counts = [await countOf(server)];
  const clients = [connect(server), connect(server)];
  await once(server, 'connection');
  if ((await countOf(server)) !== 2) await once(server, 'connection');
  counts.push(await countOf(server));
  clients[0]?.destroy();
  await until(async () => (await countOf(server)) === 1);
  return { counts, isItself: server.getConnections(() => {}) === server };
}

async function pausedConnection(): Promise<unknown> {
  const server = await listening(net.createServer({ pauseOnConnect: true }));
  const client = connect(server);
  const [accepted] = (await once(server, 'connection')) as [net.Socket];
  client.end('waiting');
  const isPaused = accepted.isPaused();
  let text = '';
  for await (const chunk of accepted) text += chunk;
  return { isPaused, text };
}

async function withOptions(options: net.ServerOpts): Promise<unknown> {
  const [client, accepted] = await pair(options);
  const isAnswered = attempt(() => accepted.setKeepAlive(true, 1000).setNoDelay(false) === accepted);
  client.end('x');
  const text = [];
  for await (const chunk of accepted) text.push(String(chunk));
  return { isAnswered, text, server: Object.keys((accepted as unknown as { server: object }).server) };
}

export const servers: Behaviours = {
  'a server: events and states from its beginning to its end': wholeLife,
  'listen on port 0, with a backlog, exclusive': async () => [
    await listen({ port: 0, host: here }),
    await listen({ port: 0, host: here, backlog: 5, exclusive: true }),
    await listen({ port: 0, host: '::1', ipv6Only: true }),
    await listen({ port: 0, host: '0.0.0.0', reusePort: true } as net.ListenOptions),
  ],
  'listen on an address that is not ours': () => listen({ port: 0, host: '192.0.2.1' }),
  'listen twice': twice,
  'EADDRINUSE, then another port': taken,
  'listen on a path': onPath,
  'arguments of listen that are wrong': badArguments,
  "listen on another server's handle": byAnotherServer,
  'an abort signal closes a server': async () => {
    const abort = new AbortController();
    const server = opening(net.createServer());
    server.listen({ port: 0, host: here, signal: abort.signal });
    await once(server, 'listening');
    const events = log(server, ...lifetime);
    abort.abort();
    await closed(server);
    return { events, listening: server.listening };
  },
  'maxConnections and drop': limited,
  getConnections: counted,
  pauseOnConnect: pausedConnection,
  'a server with keepAlive: true': () => withOptions({ keepAlive: true, keepAliveInitialDelay: 5000 }),
  'a server with noDelay: true': () => withOptions({ noDelay: true }),
  'a server that is disposed of': async () => {
    const server = await listening(net.createServer());
    const events = log(server, ...lifetime);
    await server[Symbol.asyncDispose]();
    return { events, listening: server.listening };
  },
  'ref and unref of a server': async () => {
    const server = opening(net.createServer());
    const early = [server.unref() === server, server.ref() === server];
    server.listen(0, here);
    await once(server, 'listening');
    return [...early, server.unref() === server, server.unref().ref() === server];
  },
  'many connections are all accepted, in their order': async () => {
    const server = await listening(net.createServer());
    const ports: unknown[] = [];
    server.on('connection', (socket) => ports.push(socket.remotePort));
    const clients = Array.from({ length: 50 }, () => connect(server));
    await until(() => ports.length === clients.length && clients.every(({ connecting }) => !connecting));
    return { count: ports.length, isAll: clients.every(({ localPort }) => ports.includes(localPort)) };
  },
};
