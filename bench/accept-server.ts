/**
 * A server that gives its connections keepalive in the way that its argument names, and resets each at once, so that
 * accepting is all it does. Sends its port to its parent, and its CPU time in microseconds for each message it gets.
 */
import net from 'node:net';
import * as netKeepAlive from 'net-keepalive';
import { applyToProcess, setKeepAlive } from 'tcp-keepalive';
import type { Variant } from './accept-variants.js';

const reset = (socket: net.Socket) => {
  socket.on('error', () => {});
  socket.resetAndDestroy();
};

function setThroughNetKeepAlive(socket: net.Socket): void {
  socket.setKeepAlive(true, 30_000);
  netKeepAlive.setKeepAliveInterval(socket, 5000);
  netKeepAlive.setKeepAliveProbes(socket, 3);
}

const servers: Readonly<Record<Variant, () => net.Server>> = {
  bare: () => net.createServer(reset),
  'tcp-keepalive listener': () => {
    const server = net.createServer(reset);
    setKeepAlive(server, '30:5:3');
    return server;
  },
  applyToProcess: () => {
    applyToProcess('30:5:3');
    return net.createServer(reset);
  },
  'createServer keepAlive': () => net.createServer({ keepAlive: true, keepAliveInitialDelay: 30_000 }, reset),
  'net-keepalive': () =>
    net.createServer((socket) => {
      setThroughNetKeepAlive(socket);
      reset(socket);
    }),
};

const server = servers[process.argv[2] as Variant]();
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as net.AddressInfo).port));
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.on('disconnect', () => process.exit());
