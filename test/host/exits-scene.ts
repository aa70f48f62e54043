/** In a network namespace of its own: lists connections while processes that have some start and exit all the time. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { type OwnListing, ownListing } from './own-listing.js';

export interface ExitsResult {
  readonly pid: number;
  readonly port: number;
  readonly listings: readonly OwnListing[];
}

const listings = 20;

/**
 * Each turn is a process that connects, and one that inherits the connection and exits before or after it is looked at,
 * at once or within 2.3 s, so that some are seen however slow the look is; bounded should nobody end it.
 */
const script =
  'while (( SECONDS < 100 )); do ( exec 3<>"/dev/tcp/127.0.0.1/$1"; sleep "$(( RANDOM % 3 )).$(( RANDOM % 4 ))" ); done';

const server = net.createServer((socket) => socket.on('error', () => {}).resume());
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as net.AddressInfo;
const passing = Array.from(
  { length: 8 },
  (): ChildProcess => spawn('bash', ['-c', script, 'bash', String(port)], { stdio: 'ignore' }),
);
try {
  const seen: OwnListing[] = [];
  while (seen.length < listings) seen.push(await ownListing());
  const result: ExitsResult = { pid: process.pid, port, listings: seen };
  process.stdout.write(JSON.stringify(result));
} finally {
  for (const child of passing) child.kill('SIGKILL');
  server.close();
}
