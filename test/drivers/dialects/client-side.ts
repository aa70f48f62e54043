import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import type { KeepAliveState } from '../../../src/socket/state.js';
import { moment } from '../../kernel/observation.js';
import { connectionsOf } from '../connections.js';
import { end } from '../servers/server-program.js';
import { policyOf } from './server-side.js';

/** A server on a free port, which accepts and says nothing. */
export async function silentServer(): Promise<{ readonly port: number; close(): void }> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => sockets.add(socket.on('error', () => {}).resume()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port, close };
}

/**
 * The policy of the connection that a program makes to a port of this machine. The program says `ready` once it has set
 * its options, if it is to be waited for, and is ended here.
 */
export async function policyOfClient(
  command: string,
  args: readonly string[],
  { port, says = 'ready' }: { port: number; says?: string },
): Promise<string> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  child.on('error', (error) => (output += error.message));
  try {
    const hasEnded = () => child.pid === undefined || child.exitCode !== null;
    const rows = () => (hasEnded() ? [] : connectionsOf(child.pid as number, port));
    await moment(() => hasEnded() || (output.includes(says) && rows().length > 0), `${command} connects`, 60_000);
    if (hasEnded()) throw new Error(`${command} ended: ${output}`);
    return policyOf(rows()[0]?.keepAlive as KeepAliveState);
  } finally {
    await end(child);
  }
}
