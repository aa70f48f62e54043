// Echoes one connection in a worker thread.
import net from 'node:net';
import { parentPort } from 'node:worker_threads';

const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  socket.pipe(socket);
  server.close();
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
