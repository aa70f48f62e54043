import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import {
  type Behaviours,
  clientTls,
  closed,
  here,
  listening,
  log,
  opening,
  portOf,
  request,
  serverTls,
  textOf,
  until,
} from './observing.js';

/** How many sockets an agent has: in use, free, and requests that wait. */
const counts = (agent: http.Agent) =>
  [agent.sockets, agent.freeSockets, agent.requests].map((lists) =>
    Object.values(lists).reduce((sum, list) => sum + (list?.length ?? 0), 0),
  );

/** A server that answers at once, and how many connections it got. */
async function answering(options: http.ServerOptions = {}): Promise<[server: http.Server, connections: () => number]> {
  let connections = 0;
  const server = await listening(http.createServer(options, (_, outgoing) => outgoing.end('x')));
  server.on('connection', () => {
    connections += 1;
  });
  return [server, () => connections];
}

/** Makes requests one after the other; a socket goes back to its agent before the next. */
async function inTurn(options: http.RequestOptions, times: number, send = http.request): Promise<unknown[]> {
  const seen: unknown[] = [];
  for (let turn = 0; turn < times; turn += 1) {
    const outgoing = send(options).end();
    const [answer] = (await once(outgoing, 'response')) as [http.IncomingMessage];
    seen.push([await textOf(answer), outgoing.reusedSocket]);
    if (!outgoing.closed) await closed(outgoing);
  }
  return seen;
}

async function reuse(options: http.AgentOptions): Promise<unknown> {
  const [server, connections] = await answering();
  const agent = new http.Agent(options);
  const seen = await inTurn({ port: portOf(server), host: here, agent }, 3);
  const left = counts(agent);
  agent.destroy();
  return { seen, connections: connections(), left };
}

async function queued(): Promise<unknown> {
  const [server, connections] = await answering();
  const agent = new http.Agent({ keepAlive: true, maxSockets: 2, maxFreeSockets: 1 });
  const options = { port: portOf(server), host: here, agent };
  const all = Promise.all(Array.from({ length: 6 }, () => request(options)));
  const during = counts(agent);
  const answers = (await all).map(({ status }) => status);
  await until(() => counts(agent)[1] === 1 && counts(agent)[0] === 0);
  const after = counts(agent);
  agent.destroy();
  return { during, answers, after, connections: connections() };
}

/** What an agent does with the sockets that it makes. */
async function callsOnSockets(): Promise<unknown> {
  const [server] = await answering();
  const calls: unknown[] = [];
  class Telling extends net.Socket {
    override setKeepAlive(...args: Parameters<net.Socket['setKeepAlive']>): this {
      calls.push(['setKeepAlive', ...args]);
      return super.setKeepAlive(...args);
    }
  }
  class OwnAgent extends http.Agent {
    override createConnection({ port, host }: net.TcpNetConnectOpts): net.Socket {
      return opening(new Telling().connect({ port, host: host ?? here }));
    }
  }
  const agent = new OwnAgent({ keepAlive: true, keepAliveMsecs: 3000 });
  const events = log(agent, 'free');
  const seen = await inTurn({ port: portOf(server), host: here, agent }, 2);
  agent.destroy();
  return { seen, calls, events };
}

async function freeTimeout(): Promise<unknown> {
  const [server] = await answering();
  const agent = new http.Agent({ keepAlive: true, timeout: 60 });
  const seen = await inTurn({ port: portOf(server), host: here, agent }, 1);
  const free = counts(agent);
  await until(() => counts(agent)[1] === 0);
  return { seen, free, after: counts(agent) };
}

/** A server that closes connections on which no request comes. */
async function keepAliveTimeout(): Promise<unknown> {
  const [server] = await answering({ keepAliveTimeout: 40, connectionsCheckingInterval: 20 } as http.ServerOptions);
  const socket = opening(net.connect(portOf(server), here));
  const events = log(socket, 'connect', 'end', 'error', 'close');
  socket.resume().write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await closed(socket);
  return events;
}

async function closeConnections(): Promise<unknown> {
  const server = await listening(http.createServer((incoming, outgoing) => incoming.url === '/idle' && outgoing.end()));
  const agent = new http.Agent({ keepAlive: true });
  await inTurn({ port: portOf(server), host: here, path: '/idle', agent }, 1);
  const busy = http.request({ port: portOf(server), host: here, path: '/busy' }).end();
  const events = log(busy, 'response', 'error', 'close');
  await once(server, 'request');
  server.closeIdleConnections();
  await until(() => counts(agent)[1] === 0);
  const afterIdle = [counts(agent), events.length];
  server.closeAllConnections();
  await closed(busy);
  return { afterIdle, events };
}

async function overTls(): Promise<unknown> {
  const server = await listening(https.createServer(serverTls, (_, outgoing) => outgoing.end('secret')));
  let connections = 0;
  server.on('secureConnection', () => {
    connections += 1;
  });
  const agent = new https.Agent({ keepAlive: true, ...clientTls });
  const seen = await inTurn({ port: portOf(server), host: here, agent }, 3, https.request);
  const left = counts(agent);
  agent.destroy();
  return { seen, connections, left };
}

export const agents: Behaviours = {
  'http.Agent with keepAlive reuses its socket': () => reuse({ keepAlive: true }),
  'http.Agent without keepAlive does not': () => reuse({ keepAlive: false }),
  'http.Agent with keepAliveMsecs and fifo scheduling': () =>
    reuse({ keepAlive: true, keepAliveMsecs: 5000, scheduling: 'fifo' }),
  'http.Agent with maxSockets queues requests': queued,
  "http.Agent's calls on a socket of the program's own": callsOnSockets,
  'http.Agent closes free sockets after its timeout': freeTimeout,
  'http: keepAliveTimeout closes an idle connection': keepAliveTimeout,
  'http: closeIdleConnections and closeAllConnections': closeConnections,
  'http: maxRequestsPerSocket': async () => {
    const [server, connections] = await answering();
    server.maxRequestsPerSocket = 2;
    const agent = new http.Agent({ keepAlive: true });
    const seen = await inTurn({ port: portOf(server), host: here, agent }, 4);
    agent.destroy();
    return { seen, connections: connections() };
  },
  'http: an idle socket that the server closes leaves the agent': async () => {
    const [server] = await answering();
    const agent = new http.Agent({ keepAlive: true });
    const options = { port: portOf(server), host: here, agent };
    const first = await inTurn(options, 1);
    server.closeIdleConnections();
    await until(() => counts(agent)[1] === 0);
    const second = await inTurn(options, 1);
    agent.destroy();
    return { first, second };
  },
  'https.Agent with keepAlive reuses its socket': overTls,
};
