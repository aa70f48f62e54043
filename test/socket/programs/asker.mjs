// Asks the peers of the sockets that it was given as descriptors, again and again, until it ends as it is told to.
import net from 'node:net';

const [distribution, way, end, atMs, count = '1'] = process.argv.slice(2);
const { probePeer, watchPeers } = await import(distribution);
const sockets = Array.from({ length: Number(count) }, (_, index) => new net.Socket({ fd: index + 3 }));
for (const socket of sockets) socket.on('error', () => {});

async function ask(socket) {
  while (!socket.destroyed) {
    await probePeer(socket, { timeout: 40 }).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

if (way === 'watch') {
  const watch = watchPeers({ sockets, deadWithin: '5s' });
  // It keeps the watch from being collected.
  setInterval(() => watch.size, 1000);
} else for (const socket of sockets) ask(socket);

setTimeout(() => process.stdout.write('asking\n'), 100);
setTimeout(() => {
  if (end === 'exit') process.exit();
  if (end === 'throw') throw new Error('thrown on purpose');
}, Number(atMs));
