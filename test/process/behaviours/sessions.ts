import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import {
  attempt,
  type Behaviours,
  clientTls,
  closed,
  failure,
  here,
  listening,
  log,
  opening,
  portOf,
  refusingPort,
  serverTls,
  textOf,
  until,
} from './observing.js';

const lifetime = ['connect', 'localSettings', 'remoteSettings', 'goaway', 'error', 'close'];

async function session(): Promise<[http2.Http2Server, http2.ClientHttp2Session]> {
  const server = http2.createServer((incoming, outgoing) => outgoing.end(`${incoming.method} ${incoming.url}`));
  await listening(server as unknown as net.Server);
  return [server, http2.connect(`http://${here}:${portOf(server as unknown as net.Server)}`)];
}

async function wholeLife(): Promise<unknown> {
  const [server, client] = await session();
  const events = log(client, ...lifetime);
  const ofServer = log(server, 'session', 'sessionError', 'stream');
  const stream = client.request({ ':path': '/one' });
  const ofStream = log(stream, 'ready', 'response', 'end', 'close', 'error');
  const text = await textOf(stream.setEncoding('utf8'));
  client.close();
  await closed(client);
  return { text, events: events.map(([name]) => name).sort(), ofServer, ofStream: ofStream.map(([name]) => name) };
}

/** The stand-in for a session's socket, which lets only some of its methods through. */
async function socketProxy(): Promise<unknown> {
  const [server, client] = await session();
  const accepted = once(server, 'session') as Promise<[http2.ServerHttp2Session]>;
  await once(client, 'connect');
  const [serving] = await accepted;
  const { socket } = client;
  const calls = [
    () => socket.setKeepAlive(true, 1000) instanceof net.Socket,
    () => serving.socket.setKeepAlive(false) instanceof net.Socket,
    () => socket.setNoDelay(true) instanceof net.Socket,
    () => (socket.setKeepAlive as () => unknown).name,
    () => socket.write('x'),
    () => socket.pause(),
    () => socket.setEncoding('utf8'),
    () => socket.remoteAddress,
    () => socket instanceof net.Socket,
    () => client.setTimeout(1000),
  ].map(attempt);
  client.destroy();
  await closed(client);
  return { calls, after: attempt(() => socket.setKeepAlive(true)), gone: client.socket === undefined };
}

async function secured(): Promise<unknown> {
  const server = http2.createSecureServer({ ...serverTls, allowHTTP1: true }, (incoming, outgoing) =>
    outgoing.end(incoming.httpVersion),
  );
  await listening(server as unknown as net.Server);
  const port = portOf(server as unknown as net.Server);
  const client = http2.connect(`https://localhost:${port}`, {
    ...clientTls,
    host: here,
  } as http2.SecureClientSessionOptions);
  const modern = await textOf(client.request().setEncoding('utf8'));
  const { alpnProtocol, encrypted } = client;
  const isItself = attempt(() => client.socket.setKeepAlive(true, 1000) instanceof tls.TLSSocket);
  client.close();
  await closed(client);
  return { modern, alpnProtocol, encrypted, isItself };
}

async function destroyed(): Promise<unknown> {
  const [server, client] = await session();
  server.on('session', (serving) => serving.on('error', () => {}));
  await once(client, 'connect');
  const events = log(client, ...lifetime);
  const stream = client.request();
  const ofStream = log(stream, 'error', 'close', 'aborted');
  stream.on('error', () => {});
  client.destroy(new Error('enough'));
  await Promise.all([closed(client), closed(stream)]);
  const late = attempt(
    () => client.request().on('error', (error) => ofStream.push(['late', failure(error)])).destroyed,
  );
  await delay(5);
  return { events, ofStream, late };
}

async function pinged(): Promise<unknown> {
  const [, client] = await session();
  await once(client, 'connect');
  const payload = await new Promise<unknown>((resolve) =>
    client.ping(Buffer.from('12345678'), (error, _, bytes) => resolve(error ?? String(bytes))),
  );
  const settings = await new Promise<unknown>((resolve) =>
    client.settings({ enablePush: false }, (error, { enablePush }) => resolve(error ?? enablePush)),
  );
  client.close();
  await closed(client);
  return { payload, settings };
}

export const sessions: Behaviours = {
  'http2: a session from its beginning to its end': wholeLife,
  "http2: what a session's socket lets through": socketProxy,
  'http2: over TLS': secured,
  'http2: a session that is destroyed': destroyed,
  'http2: ping and settings': pinged,
  'http2: ECONNREFUSED': async () => {
    const port = await refusingPort();
    const client = http2.connect(`http://${here}:${port}`);
    const events = log(client, ...lifetime);
    const [error] = await once(client, 'error');
    await until(() => events.some(([name]) => name === 'close'));
    return { error: failure(error), events };
  },
  'http2: over a connection that the program opened': async () => {
    const [server, unused] = await session();
    unused.destroy();
    const socket = opening(net.connect(portOf(server as unknown as net.Server), here));
    socket.setKeepAlive(true, 1000);
    const client = http2.connect('http://some.test', { createConnection: () => socket });
    const text = await textOf(client.request().setEncoding('utf8'));
    client.close();
    await closed(client);
    return { text, destroyed: socket.destroyed };
  },
};
