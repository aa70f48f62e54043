import { once } from 'node:events';
import https from 'node:https';
import net from 'node:net';
import { Duplex } from 'node:stream';
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
  pair,
  portOf,
  refusingPort,
  request,
  serverTls,
  textOf,
} from './observing.js';

const lifetime = ['lookup', 'connect', 'secureConnect', 'secure', 'ready', 'data', 'end', 'finish', 'error', 'close'];

async function wholeLife(): Promise<unknown> {
  const server = await listening(tls.createServer({ ...serverTls, ALPNProtocols: ['a', 'b'] }));
  const client = opening(tls.connect({ port: portOf(server), host: here, ALPNProtocols: ['b'], ...clientTls }));
  const events = log(client, ...lifetime);
  const early = client.setKeepAlive(true, 1000) === client;
  const [[accepted]] = (await Promise.all([once(server, 'secureConnection'), once(client, 'secureConnect')])) as [
    [tls.TLSSocket],
    [],
  ];
  const ofAccepted = log(accepted, ...lifetime);
  const open = [client.setKeepAlive(true, 2000) === client, accepted.setKeepAlive(true) === accepted];
  const { authorized, encrypted, alpnProtocol } = client;
  accepted.once('data', (data) => accepted.end(data));
  client.write('secret');
  await Promise.all([closed(client), closed(accepted)]);
  return {
    early,
    open,
    authorized,
    encrypted,
    alpnProtocol,
    events,
    ofAccepted,
    after: client.setKeepAlive() === client,
  };
}

async function untrusted(): Promise<unknown> {
  const server = await listening(tls.createServer(serverTls));
  const told = once(server, 'tlsClientError').then(([error]) => (error as NodeJS.ErrnoException).code);
  const client = opening(tls.connect({ port: portOf(server), host: here, servername: 'localhost' }));
  const events = log(client, ...lifetime);
  const [error] = await once(client, 'error');
  if (!client.closed) await closed(client);
  return { error: failure(error), events, isTold: typeof (await Promise.race([told, Promise.resolve('none')])) };
}

async function plainText(): Promise<unknown> {
  const server = await listening(tls.createServer(serverTls));
  const events = log(server, 'tlsClientError', 'secureConnection', 'error');
  const client = opening(net.connect(portOf(server), here));
  client.on('error', () => {}).end('GET / HTTP/1.1\r\n\r\n');
  await closed(client.resume());
  return events;
}

/** STARTTLS: both ends turn a connection that is open into one of TLS. */
async function upgraded(): Promise<unknown> {
  const [rawClient, rawServer] = await pair();
  rawClient.setKeepAlive(true, 1000);
  const server = new tls.TLSSocket(rawServer, { isServer: true, ...serverTls });
  const client = opening(tls.connect({ socket: rawClient, ...clientTls }));
  const events = log(client, ...lifetime);
  await once(client, 'secureConnect');
  const calls = [client.setKeepAlive(true, 1000) === client, server.setKeepAlive(false) === server];
  server.end('now secret');
  const text = await textOf(client);
  return { calls, text, events, rawDestroyed: rawClient.destroyed };
}

/** Two streams of which each reads what the other is given. */
function duplexPair(): [Duplex, Duplex] {
  const make = (other: () => Duplex) =>
    new Duplex({
      read: () => {},
      write: (chunk, _, done) => {
        other().push(chunk);
        done();
      },
      final: (done) => {
        other().push(null);
        done();
      },
    });
  const ends: [Duplex, Duplex] = [make(() => ends[1]), make(() => ends[0])];
  return ends;
}

async function overDuplex(): Promise<unknown> {
  const [near, far] = duplexPair();
  const server = new tls.TLSSocket(far as net.Socket, { isServer: true, ...serverTls });
  const client = tls.connect({ socket: near as net.Socket, ...clientTls });
  const events = log(client, ...lifetime);
  await once(client, 'secureConnect');
  const calls = [client, server].map((socket) => attempt(() => socket.setKeepAlive(true, 1000) === socket));
  server.end('through a stream');
  return { text: await textOf(client), calls, events, address: client.remoteAddress };
}

async function nested(): Promise<unknown> {
  const inner = tls.createServer(serverTls, (socket) => socket.end('twice secret'));
  const outer = await listening(tls.createServer(serverTls, (socket) => void inner.emit('connection', socket)));
  const first = opening(tls.connect({ port: portOf(outer), host: here, ...clientTls }));
  await once(first, 'secureConnect');
  const second = tls.connect({ socket: first, ...clientTls });
  await once(second, 'secureConnect');
  const isItself = attempt(() => second.setKeepAlive(true, 1000) === second);
  return { isItself, text: await textOf(second) };
}

async function resumed(): Promise<unknown> {
  const server = await listening(
    tls.createServer({ ...serverTls, maxVersion: 'TLSv1.2' }, (socket) => socket.end('x')),
  );
  let session: Buffer | undefined;
  const isReused: boolean[] = [];
  for (const _ of [1, 2]) {
    const client = opening(
      tls.connect({ port: portOf(server), host: here, ...clientTls, ...(session && { session }) }),
    );
    await once(client, 'secureConnect');
    session = client.getSession();
    isReused.push(client.isSessionReused());
    await closed(client.resume());
  }
  return isReused;
}

export const secure: Behaviours = {
  'tls: a connection from its beginning to its end': wholeLife,
  'tls: a certificate that is not trusted': untrusted,
  'tls: a client that speaks plain text': plainText,
  'tls: an open connection becomes one of TLS': upgraded,
  'tls: over a Duplex': overDuplex,
  'tls: inside of TLS': nested,
  'tls: sessions are resumed': resumed,
  'tls: SNICallback and servername': async () => {
    const names: string[] = [];
    const context = tls.createSecureContext(serverTls);
    const SNICallback = (name: string, give: (error: null, context: tls.SecureContext) => void) => {
      names.push(name);
      give(null, context);
    };
    const server = await listening(
      tls.createServer({ SNICallback }, (socket) => socket.end(String(socket.servername))),
    );
    const client = opening(tls.connect({ port: portOf(server), host: here, ...clientTls }));
    return { text: await textOf(client), names };
  },
  'tls: destroy before the handshake': async () => {
    const server = await listening(net.createServer());
    const client = opening(tls.connect({ port: portOf(server), host: here, ...clientTls }));
    const events = log(client, ...lifetime);
    await once(client, 'connect');
    client.destroy();
    await closed(client);
    return events;
  },
  'tls: ECONNREFUSED': async () => {
    const port = await refusingPort();
    const [error] = await once(opening(tls.connect({ port, host: here })), 'error');
    return failure(error);
  },
  'https: a request, and one that does not trust the server': async () => {
    const server = await listening(https.createServer(serverTls, (_, outgoing) => outgoing.end('secret')));
    const options = { port: portOf(server), host: here, agent: false as const };
    const trusting = await request({ ...options, ...clientTls } as https.RequestOptions, https.request);
    const doubting = await request(
      { ...options, servername: 'localhost' } as https.RequestOptions,
      https.request,
    ).catch(failure);
    return { trusting, doubting };
  },
};
