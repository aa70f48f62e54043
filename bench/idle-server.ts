/**
 * Accepts connections and says nothing: plain ones, or, where its argument is `ws`, those of WebSockets, whose pings it
 * answers. Sends its port. Ends with its parent.
 */
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { WebSocketServer } from 'ws';

const server = process.argv[2] === 'ws' ? http.createServer() : net.createServer({ noDelay: true });
if (server instanceof http.Server) {
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) => socket.on('error', () => {}));
} else {
  server.on('connection', (socket: net.Socket) => {
    socket.on('error', () => {}).resume();
    socket.write('.');
  });
}
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
await once(server, 'listening');
process.on('disconnect', () => process.exit());
process.send?.((server.address() as net.AddressInfo).port);
