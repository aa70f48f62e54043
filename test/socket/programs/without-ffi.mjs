// Run under the permission model, where koffi cannot load: prints what every call gives, and the descriptors on which
// the kernel's values can be looked up until stdin ends.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { getKeepAlive, setKeepAlive, watchPeers } from 'tcp-keepalive';

const outcome = (call) => {
  try {
    return call();
  } catch ({ name, code, message, requires }) {
    return { name, code, message, requires };
  }
};

async function connected(server, options = {}, policy = undefined) {
  const client = net.connect({ port: server.address().port, host: '127.0.0.1', ...options });
  const applied = policy === undefined ? undefined : outcome(() => setKeepAlive(client, policy));
  const [[accepted]] = await Promise.all([once(server, 'connection'), once(client, 'connect')]);
  return { client, accepted, applied };
}

const server = net.createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const fds = {};
const outcomes = {};
const at = (name, socket) => {
  fds[name] = socket._handle.fd;
};

const { client } = await connected(server);
outcomes.untouched = outcome(() => getKeepAlive(client));
outcomes.userTimeout = outcome(() => setKeepAlive(client, '30:5:3:auto'));
outcomes.partial = outcome(() => setKeepAlive(client, { idle: 30000 }));
outcomes.system = outcome(() => setKeepAlive(client, { idle: 'system', interval: 5000, count: 3 }));
outcomes.watch = outcome(() => watchPeers({ sockets: [client] }));
outcomes.watchAll = outcome(() => watchPeers({ all: true }));
outcomes.malformed = outcome(() => setKeepAlive(client, '30'));
at('refused', client);

const set = await connected(server);
outcomes.set = outcome(() => setKeepAlive(set.client, '30:5:3'));
outcomes.readBack = outcome(() => getKeepAlive(set.client));
at('set', set.client);

const pending = await connected(server, { keepAlive: true, keepAliveInitialDelay: 60_000 }, '30:5:3');
outcomes.pending = pending.applied;
at('pending', pending.client);

const off = await connected(server, { keepAlive: true, keepAliveInitialDelay: 60_000 });
outcomes.off = outcome(() => setKeepAlive(off.client, false));
at('off', off.client);

outcomes.server = outcome(() => setKeepAlive(server, '30:5:3'));
at('accepted', (await connected(server)).accepted);

const certificate = (part) =>
  readFileSync(new URL(`../../certificates/localhost.${part}.pem`, import.meta.url), 'utf8');
const secure = tls.createServer({ key: certificate('key'), cert: certificate('cert') }).listen(0, '127.0.0.1');
await once(secure, 'listening');
const secureClient = tls.connect({ port: secure.address().port, host: '127.0.0.1', rejectUnauthorized: false });
await once(secureClient, 'secureConnect');
outcomes.tls = outcome(() => setKeepAlive(secureClient, '30:5:3'));
at('tls', secureClient);

process.stdout.write(`${JSON.stringify({ outcomes, fds })}\n`);
process.stdin.resume().on('end', () => process.exit());
