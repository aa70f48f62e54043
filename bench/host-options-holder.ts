/** Holds as many sockets as its argument says, and keeps two more busy. Says its process number when it is ready. */
import { once } from 'node:events';
import net from 'node:net';

const count = Number(process.argv[2]);
const atOnce = 200;
const server = net.createServer({ noDelay: true }).listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
await once(server, 'listening');
const { port } = server.address() as net.AddressInfo;
const accepted: net.Socket[] = [];
server.on('connection', (socket: net.Socket) => accepted.push(socket.on('error', () => {})));

async function connect(): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true }).on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

const clients: net.Socket[] = [];
// The two busy sockets and the listener are among those counted.
for (let pairs = Math.floor((count - 1) / 2); clients.length < pairs; ) {
  const batch = Math.min(atOnce, pairs - clients.length);
  clients.push(...(await Promise.all(Array.from({ length: batch }, connect))));
}
while (accepted.length < clients.length) await once(server, 'connection');

let roundTrips = 0;
let busy = false;
const [client] = clients as [net.Socket];
const answering = accepted.find(({ remotePort }) => remotePort === client.localPort) as net.Socket;
answering.on('data', (data) => answering.write(data));
client.on('data', (data) => {
  roundTrips += 1;
  if (busy) client.write(data);
});

process.on('message', ({ traffic }: { traffic?: boolean }) => {
  if (traffic !== undefined && traffic !== busy) {
    busy = traffic;
    if (busy) client.write('ping');
  }
  process.send?.(roundTrips);
});
process.on('disconnect', () => process.exit());
process.send?.(process.pid);
