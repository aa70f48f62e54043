// Two copies of the package watch all connections before anything has loaded TLS; then TLS is put on a connection.
// Arguments: the folder of the copies, and which of the two watches are closed first.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';

const [, , folder, closed = ''] = process.argv;
const copies = await Promise.all(['0', '1'].map((copy) => import(`${folder}/${copy}/index.js`)));
const watches = copies.map(({ watchPeers }) => watchPeers({ all: true }));
for (const index of closed) watches[Number(index)].close();

const server = net.createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
await once(server, 'listening');
// Below what the other copy has wrapped, the wrapper of the first copy is still there.
const policy = copies[0].applyToProcess('30:5:3');
const raw = net.connect(server.address().port, '127.0.0.1');
const [[accepted]] = await Promise.all([once(server, 'connection'), once(raw, 'connect')]);
const { set } = policy.status();

const { default: tls } = await import('node:tls');
const file = (part) => readFileSync(new URL(`../../certificates/localhost.${part}.pem`, import.meta.url), 'utf8');
new tls.TLSSocket(accepted, { isServer: true, key: file('key'), cert: file('cert') });
const secure = tls.connect({ socket: raw, ca: file('cert'), servername: 'localhost' });
await once(secure, 'secureConnect');
const has = watches.map((watch) => watch.has(secure));
process.stdout.write(JSON.stringify({ has, set, hasInit: '_init' in net.Socket.prototype }));
process.exit();
