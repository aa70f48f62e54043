/**
 * Opens connections with `net.connect`, with a policy for the process where its argument is one. Sends 0 when it is
 * ready, and answers each message, a port, with the CPU time in microseconds that a connection took this process.
 */
import net from 'node:net';
import { applyToProcess } from 'tcp-keepalive';

const policy = process.argv[2];
const connections = 500;

if (policy !== undefined) applyToProcess(policy);

function connectOnce(port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    // The server resets each.
    socket.on('error', () => {}).on('close', () => resolve());
  });
}

async function run(port: number): Promise<number> {
  const before = process.cpuUsage();
  for (let made = 0; made < connections; made += 1) await connectOnce(port);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / connections;
}

process.on('message', async ({ port }: { port: number }) => process.send?.(await run(port)));
process.send?.(0);
process.on('disconnect', () => process.exit());
