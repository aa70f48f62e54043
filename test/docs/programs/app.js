/** The program that documents call app.js: it opens a connection and says what that has. */
import { once } from 'node:events';
import net from 'node:net';
import { getKeepAlive } from 'tcp-keepalive';

const server = net.createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const socket = net.connect(server.address().port, '127.0.0.1');
await once(socket, 'connect');
console.log('app.js has', JSON.stringify(getKeepAlive(socket)));
socket.destroy();
server.close();
