// Opens connections to a port until told to stop: `node crowd.mjs <port> <count>` prints 'connected' once all are.
import { once } from 'node:events';
import net from 'node:net';

const [port, count] = process.argv.slice(2).map(Number);
const clients = Array.from({ length: count }, () => net.connect(port, '127.0.0.1').on('error', () => {}));
await Promise.all(clients.map((client) => once(client, 'connect')));
process.stdout.write('connected\n');
process.stdin.resume().on('end', () => process.exit());
