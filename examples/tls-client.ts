// A TLS client that notices a server which vanished, from the first packet of the connection on.
//
//   node --import tsx examples/tls-client.ts host port    connects there
//   node --import tsx examples/tls-client.ts --once       connects to a server of its own, then ends
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { getKeepAlive, setKeepAlive } from 'tcp-keepalive';

const read = (name: string) => readFileSync(new URL(`certificate/${name}`, import.meta.url));

async function listenLocally(): Promise<tls.Server> {
  const server = tls.createServer({ key: read('key.pem'), cert: read('certificate.pem') }, (socket) => socket.end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const [host = '--once', port = '443'] = process.argv.slice(2);
const server = host === '--once' ? await listenLocally() : undefined;

const socket = server
  ? tls.connect({ port: (server.address() as AddressInfo).port, ca: read('certificate.pem'), servername: 'localhost' })
  : tls.connect({ host, port: Number(port), servername: host });

// There is no connection yet. The policy is set the moment there is a descriptor, and holds for the handshake too.
const { status } = setKeepAlive(socket, { idle: '30s', interval: '5s', count: 3, userTimeout: 'auto' });
console.log(`status ${status}`);

await once(socket, 'secureConnect');
const { enabled, idle, interval, count, userTimeout } = getKeepAlive(socket);
console.log(`keepalive ${enabled}, idle ${idle} ms, interval ${interval} ms, count ${count}`);
console.log(`user timeout ${userTimeout} ms`);
socket.end();
server?.close();
