// Serves one connection on the listener, or speaks on the connection, that is its descriptor 3.
import net from 'node:net';

if (process.argv[2] === 'socket') {
  const socket = new net.Socket({ fd: 3 });
  socket.setKeepAlive(true, 1000).end('from a descriptor');
} else {
  const server = net.createServer((socket) => {
    socket.setKeepAlive(true, 1000).end('from a listener');
    server.close();
  });
  server.listen({ fd: 3 }, () => console.log('listening'));
}
