import { once } from 'node:events';
import net from 'node:net';
import { assertKnownOptions } from '../policy/configuration-error.js';
import { describeValue } from '../policy/errors.js';
import { abortSocket } from './abort-socket.js';

/** Two sockets of this process, connected to each other. */
export interface LoopbackPair {
  /** The end that connected. */
  readonly client: net.Socket;
  /** The end that was accepted. */
  readonly server: net.Socket;
  /** Resets both ends, so that no kernel goes on retransmitting. Does nothing the second time. */
  close(): void;
  /** Calls `close`. */
  [Symbol.dispose](): void;
}

/** Options of {@link loopbackPair}. */
export interface LoopbackOptions {
  /**
   * 4 for 127.0.0.1, 6 for ::1.
   *
   * @default 4
   */
  readonly family?: 4 | 6;
}

/**
 * Connects two sockets over the loopback device, through a listener that is closed again at once.
 *
 * An error of a socket reaches the caller's listeners, and does not crash the process without a listener.
 *
 * @example
 * const { client, server, close } = await loopbackPair({ family: 6 });
 *
 * @throws {ConfigurationError} if an option has an unknown name.
 * @throws {RangeError} if the family is neither 4 nor 6.
 * @throws {Error} of Node.js if the address cannot be bound.
 */
export async function loopbackPair(options: LoopbackOptions = {}): Promise<LoopbackPair> {
  assertKnownOptions('loopbackPair', options, ['family']);
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
