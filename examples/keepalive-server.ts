// A server that gives every connection it accepts keepalive: probe after 30 s of quiet, then every 5 s, dead after 3.
//
//   node --import tsx examples/keepalive-server.ts [port]    serves until Ctrl+C
//   node --import tsx examples/keepalive-server.ts --once    serves one client of its own, then ends
import { once } from 'node:events';
import net from 'node:net';
import { getKeepAlive, setKeepAlive } from 'tcp-keepalive';

const [argument = '0'] = process.argv.slice(2);
const isOnce = argument === '--once';

const server = net.createServer((socket) => {
  const { enabled, idle, interval, count } = getKeepAlive(socket);
  console.log(`keepalive ${enabled}, idle ${idle} ms, interval ${interval} ms, count ${count}`);
  socket.on('error', (error) => console.log(`lost a client: ${error.message}`));
  socket.end('hello\n');
  if (isOnce) server.close();
});
server.listen(isOnce ? 0 : Number(argument), '127.0.0.1');
await once(server, 'listening');

// The listener hands it to each connection, in the kernel: nothing is left to do when one is accepted.
const { connections } = setKeepAlive(server, '30:5:3');
const { port } = server.address() as net.AddressInfo;
console.log(`listening on port ${port}, keepalive is ${connections}`);

process.once('SIGINT', () => server.close());
if (isOnce) net.connect(port, '127.0.0.1').resume();
