/** Prints what a connection of this process has, at both ends, and what a call of `setKeepAlive` makes of it. */
import { once } from 'node:events';
import net from 'node:net';
import { getKeepAlive } from 'tcp-keepalive';

const server = net.createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const client = net.connect(server.address().port, '127.0.0.1');
const [[accepted]] = await Promise.all([once(server, 'connection'), once(client, 'connect')]);
const [opened, other] = [getKeepAlive(client), getKeepAlive(accepted)];
client.setKeepAlive(true, 60_000);
const called = getKeepAlive(client);
const wrapped = net.Socket.prototype.setKeepAlive.toString().includes('isActive');
console.log(JSON.stringify({ client: opened, accepted: other, called, wrapped }));
client.destroy();
accepted.destroy();
server.close();
