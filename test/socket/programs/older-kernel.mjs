// Prints what a policy with and without rtoMax comes to, on a socket to come and on a listener.
import net from 'node:net';
import { getKeepAlive, setKeepAlive } from '../../../dist/index.js';

function refusalOf(call) {
  try {
    return call();
  } catch ({ name, minimumKernel }) {
    return { name, minimumKernel };
  }
}

const future = refusalOf(() => setKeepAlive(new net.Socket(), { rtoMax: 5000 }));
const server = net.createServer().listen(0, '127.0.0.1', () => {
  const open = refusalOf(() => setKeepAlive(server, { rtoMax: 5000 }));
  const set = setKeepAlive(server, '30:5:3');
  console.log(JSON.stringify({ future, open, set, got: getKeepAlive(server) }));
  server.close();
});
