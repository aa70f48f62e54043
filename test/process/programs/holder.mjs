/** Connects to a port and prints its descriptor. Holds the connection until it is killed. */
import { once } from 'node:events';
import net from 'node:net';

const socket = net.connect(Number(process.argv[2]), '127.0.0.1');
await once(socket, 'connect');
console.log(socket._handle.fd);
