/**
 * The far ends of many connections, which say nothing after a greeting. Sends its port, and answers each request when
 * it has done it. Ends with its parent.
 */
import { once } from 'node:events';
import net from 'node:net';
import { crashPeer, lossyPath } from '../../src/testing/index.js';

/** What is asked of the far ends, of those with the given ports or of all. */
export type PeerRequest = { readonly what: 'vanish' } | { readonly what: 'lose'; loss: number; ports: number[] };

const accepted = new Map<number, net.Socket>();
const server = net.createServer({ noDelay: true }, (socket) => {
  accepted.set(socket.remotePort as number, socket.on('error', () => {}).resume());
  socket.write('.');
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
await once(server, 'listening');

function answer(request: PeerRequest): number {
  if (request.what === 'vanish') {
    for (const socket of accepted.values()) crashPeer(socket);
    return accepted.size;
  }
  // One whose peer was given up has got its RST, where that was not lost.
  const known = request.ports.flatMap((port) => accepted.get(port) ?? []);
  const sockets = known.filter(({ destroyed }) => !destroyed);
  for (const socket of sockets) lossyPath(socket, { loss: request.loss, method: 'filter' });
  return sockets.length;
}

process.on('message', (request: PeerRequest) => process.send?.(answer(request)));
process.on('disconnect', () => process.exit());
process.send?.((server.address() as net.AddressInfo).port);
