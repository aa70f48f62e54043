/**
 * Opens connections with `net.connect`, with a policy for the process where its argument is one. Sends 0 when it is
 * ready, and answers each message, a port, with the microseconds that a connection spent in the handle's `connect`: that
 * is where the policy is set. All of `net.connect` takes ten times as long, and its noise would hide the difference.
 */
import net from 'node:net';
import { applyToProcess } from 'tcp-keepalive';
import { tcpPrototype } from '../src/node/tcp-handle.js';

const policy = process.argv[2];
const connections = 500;

if (policy !== undefined) applyToProcess(policy);

interface Connecting {
  connect(...args: unknown[]): number;
}

/** The time spent in `connect` of Node's TCP handles, the policy's wrapper included. */
let spentNs = 0n;

function timeConnects(): void {
  const prototype = tcpPrototype() as unknown as Connecting;
  const { connect } = prototype;
  prototype.connect = function timed(...args) {
    const start = process.hrtime.bigint();
    const status = Reflect.apply(connect, this, args) as number;
    spentNs += process.hrtime.bigint() - start;
    return status;
  };
}

timeConnects();

function connectOnce(port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    // The server resets each.
    socket.on('error', () => {}).on('close', () => resolve());
  });
}

async function run(port: number): Promise<number> {
  spentNs = 0n;
  for (let made = 0; made < connections; made += 1) await connectOnce(port);
  return Number(spentNs) / 1000 / connections;
}

process.on('message', async ({ port }: { port: number }) => process.send?.(await run(port)));
process.send?.(0);
process.on('disconnect', () => process.exit());
