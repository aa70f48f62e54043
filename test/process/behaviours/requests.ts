import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
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
  portOf,
  refusingPort,
  request,
  textOf,
} from './observing.js';

const ofRequest = ['socket', 'finish', 'response', 'continue', 'information', 'upgrade', 'connect', 'timeout'];
const ending = ['abort', 'error', 'close'];

const echo: http.RequestListener = (incoming, outgoing) => {
  incoming.pipe(outgoing);
};

/** What a server answers to bytes that a program makes itself. */
async function answerTo(server: http.Server, bytes: string): Promise<string> {
  const socket = opening(net.connect(portOf(server), here));
  socket.write(bytes);
  const text = await textOf(socket);
  return text.replace(/Date: .*\r\n/, '');
}

async function wholeLife(): Promise<unknown> {
  const seen: unknown[][][] = [];
  const server = await listening(
    http.createServer((incoming, outgoing) => {
      seen.push(log(incoming, 'data', 'end', ...ending), log(outgoing, 'finish', ...ending));
      echo(incoming, outgoing);
    }),
  );
  const outgoing = http.request({ port: portOf(server), host: here, method: 'POST' });
  const events = log(outgoing, ...ofRequest, ...ending);
  const isVoid = outgoing.setSocketKeepAlive(true, 1000) === undefined && outgoing.setNoDelay() === undefined;
  outgoing.end('body');
  const [answer] = (await once(outgoing, 'response')) as [http.IncomingMessage];
  const text = await textOf(answer);
  if (!outgoing.closed) await closed(outgoing);
  return { isVoid, events, seen, text, headers: Object.keys(answer.headers), reused: outgoing.reusedSocket };
}

async function upgraded(): Promise<unknown> {
  const server = await listening(http.createServer());
  server.on('upgrade', (_, socket: net.Socket, head: Buffer) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
    socket.write(`head ${head.length}, `);
    socket.pipe(socket);
  });
  const headers = { Connection: 'Upgrade', Upgrade: 'echo' };
  const outgoing = http.request({ port: portOf(server), host: here, headers }).end();
  const events = log(outgoing, ...ofRequest, 'error');
  const [answer, socket, head] = (await once(outgoing, 'upgrade')) as [http.IncomingMessage, net.Socket, Buffer];
  const isItself = opening(socket).setKeepAlive(true, 1000) === socket;
  socket.end('raw');
  return { status: answer.statusCode, isItself, text: String(head) + (await textOf(socket)), events };
}

async function tunnelled(): Promise<unknown> {
  const target = await listening(http.createServer((_, outgoing) => outgoing.end('through a tunnel')));
  const proxy = await listening(http.createServer());
  proxy.on('connect', (_, socket: net.Socket) => {
    const onward = opening(net.connect(portOf(target), here, () => socket.write('HTTP/1.1 200 Established\r\n\r\n')));
    onward.pipe(socket).pipe(onward);
  });
  const outgoing = http.request({ port: portOf(proxy), host: here, method: 'CONNECT', path: 'some.test:80' }).end();
  const [answer, socket] = (await once(outgoing, 'connect')) as [http.IncomingMessage, net.Socket];
  const inside = await request({ createConnection: () => opening(socket) });
  return { status: answer.statusCode, inside };
}

async function expecting(): Promise<unknown> {
  const server = await listening(http.createServer());
  server.on('checkContinue', (incoming: http.IncomingMessage, outgoing: http.ServerResponse) => {
    outgoing.writeContinue();
    echo(incoming, outgoing);
  });
  const headers = { Expect: '100-continue' };
  const outgoing = http.request({ port: portOf(server), host: here, method: 'POST', headers });
  const events = log(outgoing, 'continue', 'response', 'error');
  outgoing.flushHeaders();
  await once(outgoing, 'continue');
  outgoing.end('after continue');
  const [answer] = (await once(outgoing, 'response')) as [http.IncomingMessage];
  return { text: await textOf(answer), events };
}

async function destroyedRequest(): Promise<unknown> {
  const server = await listening(http.createServer());
  const outgoing = http.request({ port: portOf(server), host: here }).end();
  const events = log(outgoing, ...ofRequest, ...ending);
  const [incoming] = (await once(server, 'request')) as [http.IncomingMessage];
  const ofIncoming = log(incoming, 'aborted', ...ending);
  outgoing.destroy();
  await Promise.all([closed(outgoing), closed(incoming)]);
  return { events, ofIncoming };
}

async function hungUp(): Promise<unknown> {
  const server = await listening(http.createServer((incoming) => incoming.socket.destroy()));
  return request({ port: portOf(server), host: here }).catch(failure);
}

async function onPath(): Promise<unknown> {
  const folder = mkdtempSync(path.join(tmpdir(), 'http-'));
  try {
    const socketPath = path.join(folder, 'socket');
    const server = opening(http.createServer((_, outgoing) => outgoing.end('on a path'))).listen(socketPath);
    await once(server, 'listening');
    const outgoing = http.request({ socketPath }).end();
    outgoing.setSocketKeepAlive(true, 1000);
    const [answer] = (await once(outgoing, 'response')) as [http.IncomingMessage];
    return await textOf(answer);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function timedOut(): Promise<unknown> {
  const server = await listening(http.createServer());
  const outgoing = http.request({ port: portOf(server), host: here, timeout: 300 }).end();
  const events = log(outgoing, ...ofRequest, ...ending);
  await once(outgoing, 'timeout');
  outgoing.destroy(new Error('no answer'));
  await closed(outgoing);
  return events;
}

async function fetched(): Promise<unknown> {
  let connections = 0;
  const server = await listening(http.createServer((incoming, outgoing) => outgoing.end(incoming.headers.connection)));
  server.on('connection', () => {
    connections += 1;
  });
  const url = `http://${here}:${portOf(server)}/`;
  const texts = [];
  for (const _ of [1, 2, 3]) texts.push(await (await fetch(url)).text());
  const abort = new AbortController();
  const aborted = fetch(url, { signal: abort.signal }).catch(failure);
  abort.abort();
  return { texts, connections, aborted: await aborted };
}

async function channels(): Promise<unknown> {
  const seen: string[] = [];
  const names = ['http.client.request.start', 'http.client.response.finish'];
  names.push('http.server.request.start', 'http.server.response.finish', 'net.client.socket', 'net.server.socket');
  const stops = names.map((name) => {
    const listener = () => void seen.push(name);
    diagnostics.subscribe(name, listener);
    return () => diagnostics.unsubscribe(name, listener);
  });
  const server = await listening(http.createServer((_, outgoing) => outgoing.end('x')));
  await request({ port: portOf(server), host: here });
  await delay(10);
  for (const stop of stops) stop();
  return seen.sort();
}

export const requests: Behaviours = {
  'http: a request and its answer from beginning to end': wholeLife,
  'http: upgrade': upgraded,
  'http: CONNECT and a request through the tunnel': tunnelled,
  'http: Expect: 100-continue': expecting,
  'http: a request that is destroyed': destroyedRequest,
  'http: a server that hangs up': hungUp,
  'http: a request that is refused': async () => {
    const port = await refusingPort();
    return request({ port, host: here }).catch(failure);
  },
  'http: on a unix socket': onPath,
  'http: the timeout of a request': timedOut,
  'http: fetch, and fetch aborted': fetched,
  'http: diagnostics channels': channels,
  'http: what is no HTTP is answered with 400': async () =>
    answerTo(await listening(http.createServer()), 'no\r\n\r\n'),
  'http: headers that are late are answered with 408': async () => {
    const times = { headersTimeout: 40, requestTimeout: 60, connectionsCheckingInterval: 20 };
    return answerTo(await listening(http.createServer(times)), 'GET / HTTP/1.1\r\n');
  },
  'http: clientError': async () => {
    const server = await listening(http.createServer());
    const told: unknown[] = [];
    server.on('clientError', (error: Error, socket: net.Socket) => {
      told.push(
        failure(error),
        attempt(() => socket.setKeepAlive(true, 1000) === socket),
      );
      socket.end('HTTP/1.1 418 Teapot\r\n\r\n');
    });
    return { answer: await answerTo(server, 'GET /\0 HTTP/1.1\r\n\r\n'), told };
  },
  'http: pipelined requests are answered in their order': async () => {
    const server = await listening(http.createServer((incoming, outgoing) => outgoing.end(incoming.url)));
    const one = (url: string, connection: string) =>
      `GET ${url} HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\n\r\n`;
    const text = await answerTo(server, one('/1', 'keep-alive') + one('/2', 'keep-alive') + one('/3', 'close'));
    return text.replaceAll(/Date: .*\r\n/g, '');
  },
};
