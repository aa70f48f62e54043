// A server in a process of its own: `node serve.mjs KIND`. It says its port, and when asked, what it still holds.
import cluster from 'node:cluster';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import tls from 'node:tls';
import { WebSocketServer } from 'ws';

const certificate = (part) => readFileSync(new URL(`../../certificates/localhost.${part}.pem`, import.meta.url));
const identity = { key: certificate('key'), cert: certificate('cert') };

/** Nothing but a dead peer ends an idle connection. */
const patience = { keepAliveTimeout: 0 };

const answer = (_request, response) => response.end('ok');
const echo = (socket) => socket.on('error', () => {}).pipe(socket);

function withWebSockets(server) {
  new WebSocketServer({ server }).on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', (message) => socket.send(message));
  });
  return server;
}

const kinds = {
  net: () => net.createServer(echo),
  tls: () => tls.createServer(identity, echo),
  http: () => http.createServer(patience, answer),
  https: () => https.createServer({ ...patience, ...identity }, answer),
  http2: () => http2.createServer(answer).on('session', (session) => session.on('error', () => {})),
  ws: () => withWebSockets(http.createServer(patience)),
};

async function serve(kind) {
  const server = kinds[kind]().listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.on('message', () => {
    server.getConnections((_error, connections) => {
      const handles = process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length;
      process.send({ connections, handles });
    });
  });
  // A handle that was closed while modules were loaded counts until the event loop has turned.
  await nextTurn();
  await nextTurn();
  process.send({ port: server.address().port });
}

/** Passes everything between the test and two workers; the answers of both are added up. */
async function lead(scheduling) {
  cluster.schedulingPolicy = scheduling;
  const workers = [cluster.fork(), cluster.fork()];
  const answers = () => Promise.all(workers.map((worker) => once(worker, 'message').then(([answer]) => answer)));
  const [{ port }] = await answers();
  process.on('message', async () => {
    const asked = answers();
    for (const worker of workers) worker.send('status');
    const held = await asked;
    process.send({
      connections: held.reduce((sum, { connections }) => sum + connections, 0),
      handles: held.reduce((sum, { handles }) => sum + handles, 0),
    });
  });
  process.send({ port });
}

process.on('disconnect', () => process.exit());
const kind = process.argv[2];
if (!kind.startsWith('cluster')) await serve(kind);
else if (cluster.isWorker) await serve('net');
else await lead(kind.endsWith('round-robin') ? cluster.SCHED_RR : cluster.SCHED_NONE);
