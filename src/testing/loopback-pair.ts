import { once } from 'node:events';
import net from 'node:net';
import { describeValue } from '../policy/errors.js';
import { abortSocket } from './abort-socket.js';

/** Two sockets of this process, connected to each other. */
export interface LoopbackPair {
  /** The end that connected. */
  readonly client: net.Socket;
  /** The end that was accepted. */
  readonly server: net.Socket;
  /** Resets both ends, so that no kernel goes on retransmitting. Safe to call twice. */
  close(): void;
  [Symbol.dispose](): void;
}

export interface LoopbackOptions {
  /** 4 for 127.0.0.1 (the default), 6 for ::1. */
  readonly family?: 4 | 6;
}

/**
 * Connects two sockets over the loopback device, through a listener that is closed again at once.
 *
 * Their errors are left to the caller's listeners but do not crash the process.
 *
 * @throws {RangeError} if the family is neither 4 nor 6; an error of Node.js if the address cannot be bound.
 */
export async function loopbackPair(options: LoopbackOptions = {}): Promise<LoopbackPair> {
  const { family = 4 } = options;
  if (family !== 4 && family !== 6) throw new RangeError(`family must be 4 or 6, got ${describeValue(family)}`);
  const host = family === 4 ? '127.0.0.1' : '::1';
  const listener = net.createServer();
  listener.listen(0, host);
  await once(listener, 'listening');
  const { port } = listener.address() as net.AddressInfo;
  const client = net.connect({ port, host });
  const [[server]] = (await Promise.all([once(listener, 'connection'), once(client, 'connect')])) as [
    [net.Socket],
    unknown,
  ];
  listener.close();
  const ignore = () => {};
  client.on('error', ignore);
  server.on('error', ignore);
  const close = () => {
    abortSocket(client);
    abortSocket(server);
  };
  return { client, server, close, [Symbol.dispose]: close };
}
