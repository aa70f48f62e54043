// Watches all connections before anything has loaded TLS, then puts TLS on a connection, as STARTTLS does.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { watchPeers } from '../../../dist/index.js';

const isTlsLoaded = () => process.moduleLoadList.includes('NativeModule tls');
const watch = watchPeers({ all: true });
const server = net.createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
await once(server, 'listening');
const raw = net.connect(server.address().port, '127.0.0.1');
const [[accepted]] = await Promise.all([once(server, 'connection'), once(raw, 'connect')]);
const before = { isTlsLoaded: isTlsLoaded(), size: watch.size, hasInit: '_init' in net.Socket.prototype };

const { default: tls } = await import('node:tls');
const file = (part) => readFileSync(new URL(`../../certificates/localhost.${part}.pem`, import.meta.url), 'utf8');
const secured = new tls.TLSSocket(accepted, { isServer: true, key: file('key'), cert: file('cert') });
const secure = tls.connect({ socket: raw, ca: file('cert'), servername: 'localhost' });
await once(secure, 'secureConnect');
const after = {
  size: watch.size,
  has: [raw, accepted, secure, secured].map((socket) => watch.has(socket)),
  isAsDefined: !('_init' in net.Socket.prototype) && Object.hasOwn(tls.TLSSocket.prototype, '_init'),
};
watch.close();
process.stdout.write(JSON.stringify({ before, after }));
process.exit();
