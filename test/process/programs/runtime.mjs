// Prints what each function of the package gives, or throws, in the runtime that runs it.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import {
  applyToProcess,
  detectionTime,
  formatPolicy,
  getKeepAlive,
  kernelDefaults,
  parsePolicy,
  probePeer,
  setKeepAlive,
  watchPeers,
} from 'tcp-keepalive';
import { listConnections } from 'tcp-keepalive/linux';
import { crashPeer, loopbackPair } from 'tcp-keepalive/testing';

const here = '127.0.0.1';
const text = '30:5:3';
const certificate = (part) => readFileSync(new URL(`../../certificates/localhost.${part}.pem`, import.meta.url));

async function listening(server) {
  server.listen(0, here);
  await once(server, 'listening');
  return server.address().port;
}

const connect = async (server) => net.connect(await listening(server), here);

const seen = {
  async open() {
    const socket = await connect(net.createServer());
    await once(socket, 'connect');
    return [setKeepAlive(socket, text), getKeepAlive(socket)];
  },
  async connecting() {
    const socket = await connect(net.createServer());
    setKeepAlive(socket, text);
    await once(socket, 'connect');
    return getKeepAlive(socket);
  },
  async accepted() {
    const server = net.createServer();
    const port = await listening(server);
    setKeepAlive(server, text);
    const accepting = once(server, 'connection');
    net.connect(port, here);
    return getKeepAlive((await accepting)[0]);
  },
  async tls() {
    const server = tls.createServer({ key: certificate('key'), cert: certificate('cert') });
    const socket = tls.connect({ port: await listening(server), host: here, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    setKeepAlive(socket, text);
    return getKeepAlive(socket);
  },
  async request() {
    const server = http.createServer((_, answer) => setTimeout(() => answer.end(), 50));
    const request = http.get({ port: await listening(server), host: here });
    await once(request, 'socket');
    setKeepAlive(request, text);
    const [answer] = await once(request, 'response');
    const state = getKeepAlive(request);
    answer.resume();
    return state;
  },
  async http2() {
    const session = http2.connect(`http://${here}:${await listening(http2.createServer())}`);
    await once(session, 'connect');
    setKeepAlive(session, text);
    const state = getKeepAlive(session);
    session.destroy();
    return state;
  },
  async served() {
    const server = http.createServer((request, answer) => {
      try {
        answer.end(JSON.stringify(setKeepAlive(request, text)));
      } catch ({ name }) {
        answer.end(JSON.stringify({ name }));
      }
    });
    const port = await listening(server);
    return (await fetch(`http://${here}:${port}`)).json();
  },
  async off() {
    const socket = await connect(net.createServer());
    await once(socket, 'connect');
    return setKeepAlive(socket, false).enabled;
  },
  async crash() {
    const since = performance.now();
    const { client, server } = await loopbackPair();
    setKeepAlive(client, '1:1:1');
    crashPeer(server);
    const [{ code }] = await once(client.resume(), 'error').catch((error) => [error]);
    return { code, ms: performance.now() - since };
  },
  async watch() {
    const { client, server } = await loopbackPair();
    for (const end of [client, server]) end.on('error', () => {}).resume();
    const watch = watchPeers({ sockets: [client], policy: '1:3:2' });
    const told = [];
    for (const type of ['suspect', 'dead']) watch.on(type, ({ unanswered }) => told.push([type, unanswered]));
    crashPeer(server);
    const [{ reason, decidedBy }] = await once(watch, 'dead');
    watch.close();
    return { told, reason, decidedBy };
  },
  async ask() {
    const { client, server } = await loopbackPair();
    for (const end of [client, server]) end.on('error', () => {}).resume();
    setKeepAlive(client, '30:5:3');
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    await sleep(1100);
    const { answered, method } = await probePeer(client);
    crashPeer(server);
    await sleep(1100);
    return [answered, method, (await probePeer(client, { timeout: 300 })).answered];
  },
  watchAll: () => watchPeers({ all: true }).size,
  async list() {
    const socket = await connect(net.createServer());
    await once(socket, 'connect');
    const { rows } = await listConnections();
    const { localPort, remotePort } = socket;
    return rows.filter(({ connection: { local, remote } }) => local.port === localPort && remote.port === remotePort)
      .length;
  },
  process: () => applyToProcess(text).status(),
  pure: () => [formatPolicy(parsePolicy(text)), detectionTime(text).earliestMs > 0, kernelDefaults().count],
};

const outcomes = {};
for (const [name, see] of Object.entries(seen)) {
  try {
    outcomes[name] = await see();
  } catch ({ name: error, message }) {
    outcomes[name] = { error, message };
  }
}
process.stdout.write(JSON.stringify(outcomes), () => process.exit());
