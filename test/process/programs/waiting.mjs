/** Has a connection and waits until its standard output is closed by its parent's kill. */
import { once } from 'node:events';
import net from 'node:net';

const server = net.createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
await once(net.connect(server.address().port, '127.0.0.1'), 'connect');
console.log('ready');
