/**
 * Has connections from one address to another and a listener for them, which its arguments name, and a policy that the
 * accepted ends inherit. Says its port once as many as wanted are open; from then on opens and closes more, if told to,
 * until its parent is gone.
 */
import { once } from 'node:events';
import net from 'node:net';
import { setKeepAlive } from '../../src/index.js';

const [from = '', to = '', idleSeconds = '', count = '', churns = ''] = process.argv.slice(2);
const atOnce = 100;

// A client knows by the greeting that it was accepted: the kernel calls it connected before that.
const server = net.createServer((socket) => socket.on('error', () => {}).write('.'));
server.listen({ port: 0, host: to, backlog: 4096 });
await once(server, 'listening');
setKeepAlive(server, `${idleSeconds}:5:3`);
const { port } = server.address() as net.AddressInfo;

async function connect(): Promise<net.Socket> {
  const socket = net.connect({ port, host: to, localAddress: from }).on('error', () => {});
  await once(socket, 'data');
  return socket;
}

async function connectMany(): Promise<net.Socket[]> {
  return Promise.all(Array.from({ length: atOnce }, connect));
}

for (let open = 0; open < Number(count); open += atOnce) await connectMany();
process.on('disconnect', () => process.exit());
process.send?.(port);
while (churns) {
  // Every tenth ends in TIME_WAIT, of which more would use up the ports.
  for (const [index, socket] of (await connectMany()).entries())
    index % 10 === 0 ? socket.end() : socket.resetAndDestroy();
}
