/**
 * Holds connections. Its first argument says how many, its second to which port: without one it connects to itself and
 * so has both ends. One connection more, with both ends, is there to be busy with.
 *
 * Sends its process number once all are connected. Answers each message with the round trips a millisecond that the
 * busy connection has made since the last one, or with its port where that is asked for. Ends with its parent.
 */
import { once } from 'node:events';
import net from 'node:net';

const connections = Number(process.argv[2]);
const atOnce = 200;

// A client knows by the greeting that it was accepted: the kernel calls it connected before that.
const accepted: net.Socket[] = [];
const server = net.createServer({ noDelay: true }, (socket) => {
  accepted.push(socket.on('error', () => {}));
  socket.write('.');
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
await once(server, 'listening');
const { port: ownPort } = server.address() as net.AddressInfo;
const port = Number(process.argv[3] ?? ownPort);

async function connect(to: number): Promise<net.Socket> {
  const socket = net.connect({ port: to, host: '127.0.0.1', noDelay: true }).on('error', () => {});
  await once(socket, 'data');
  return socket;
}

const busyClient = await connect(ownPort);
accepted[0]?.on('data', (data) => accepted[0]?.write(data));

for (let made = 0; made < connections; made += atOnce) {
  await Promise.all(Array.from({ length: Math.min(atOnce, connections - made) }, () => connect(port)));
}

let isBusy = false;
let roundTrips = 0;
let since = performance.now();
busyClient.on('data', (data) => {
  roundTrips += 1;
  if (isBusy) busyClient.write(data);
});

/** The round trips a millisecond since the last call. */
function nextRate(): number {
  const now = performance.now();
  const rate = roundTrips / (now - since);
  roundTrips = 0;
  since = now;
  return rate;
}

process.on('message', ({ traffic = isBusy, port: isPortWanted }: { traffic?: boolean; port?: true }) => {
  if (traffic && !isBusy) busyClient.write('ping');
  isBusy = traffic;
  process.send?.(isPortWanted ? ownPort : nextRate());
});
process.on('disconnect', () => process.exit());
process.send?.(process.pid);
