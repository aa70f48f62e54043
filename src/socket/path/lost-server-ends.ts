import net from 'node:net';
import { sleep } from '../../node/real-time.js';
import { setKeepAlive } from '../keep-alive.js';

/** The addresses and ports of a connection. */
export type ConnectionEnds = Required<Pick<net.TcpNetConnectOpts, 'host' | 'port' | 'localAddress' | 'localPort'>>;

/** The kernel sends a SYN again after 1 s, and the server's kernel answers that one. */
const endedWithinMs = 3000;
const lookEveryMs = 25;

/** Returns the ends of an open socket; undefined if it is no longer open. */
export function endsOf(socket: net.Socket): ConnectionEnds | undefined {
  const { remoteAddress: host, remotePort: port, localAddress, localPort } = socket;
  if (host === undefined || port === undefined || localAddress === undefined || localPort === undefined)
    return undefined;
  return { host, port, localAddress, localPort };
}

/**
 * Ends the server's ends of lost connections, which the server could otherwise keep for ever: each takes the place of a client.
 *
 * A new connection from the same port makes the server's kernel answer for the old one, and this kernel answers that with
 * RST (RFC 9293, section 3.5.1). The new connection is closed once it is made. Does nothing where a NAT takes another port.
 */
export class LostServerEnds {
  readonly #sockets = new Set<net.Socket>();

  end(ends: ConnectionEnds): void {
    const socket = net.connect(ends);
    this.#sockets.add(socket);
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
    socket.on('connect', () => socket.destroy());
    setKeepAlive(socket, false);
  }

  /** Waits until the ends are ended, for 3 s at most. */
  async ended(): Promise<void> {
    for (let waitedMs = 0; this.#sockets.size > 0 && waitedMs < endedWithinMs; waitedMs += lookEveryMs) {
      await sleep(lookEveryMs);
    }
    this.close();
  }

  /** Stops waiting. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
