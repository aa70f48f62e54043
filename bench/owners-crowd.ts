/**
 * Holds as many sockets open as it is told: half are clients, half accepted from them. Sends the number once they are
 * connected, and ends with its parent.
 */
import { once } from 'node:events';
import net from 'node:net';

const connections = Number(process.argv[2]) / 2;
const atOnce = 200;

const accepted: net.Socket[] = [];
const server = net.createServer({ pauseOnConnect: true }, (socket) => accepted.push(socket)).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as net.AddressInfo;

const clients: net.Socket[] = [];
while (clients.length < connections) {
  const more = Math.min(atOnce, connections - clients.length);
  const fresh = Array.from({ length: more }, () => net.connect(port, '127.0.0.1'));
  clients.push(...fresh);
  await Promise.all(fresh.map((client) => once(client, 'connect')));
  while (accepted.length < clients.length) await once(server, 'connection');
}
process.once('disconnect', () => process.exit());
process.send?.(clients.length + accepted.length);
