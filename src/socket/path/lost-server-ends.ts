import net from 'node:net';
import { sleep } from '../../node/real-time.js';
import { setKeepAlive } from '../keep-alive.js';

/** The addresses and ports of a connection. */
export type Endpoints = Required<Pick<net.TcpNetConnectOpts, 'host' | 'port' | 'localAddress' | 'localPort'>>;

/** The kernel sends a SYN again after 1 s, and the server's kernel answers that one. */
const closedWithinMs = 3000;
const lookEveryMs = 25;

/** Returns the addresses and ports of an open socket; undefined if the socket is no longer open. */
export function endpointsOf(socket: net.Socket): Endpoints | undefined {
  const { remoteAddress: host, remotePort: port, localAddress, localPort } = socket;
  if (host === undefined || port === undefined || localAddress === undefined || localPort === undefined)
    return undefined;
  return { host, port, localAddress, localPort };
}

/**
 * Closes the server's end of lost connections. The server could keep it for ever, in the place of another client.
 *
 * A new connection from the same port makes the server's kernel answer for the old one, and this kernel answers that with
 * RST (RFC 9293, section 3.5.1). The new connection is closed once it is made. Does nothing if a NAT chooses another port.
 */
export class LostServerEnds {
  readonly #sockets = new Set<net.Socket>();

  closeEnd(endpoints: Endpoints): void {
    const socket = net.connect(endpoints);
    this.#sockets.add(socket);
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
    socket.on('connect', () => socket.destroy());
    setKeepAlive(socket, false);
  }

  /** Waits until the server's ends are closed, for 3 s at most. */
  async closed(): Promise<void> {
    for (let waitedMs = 0; this.#sockets.size > 0 && waitedMs < closedWithinMs; waitedMs += lookEveryMs) {
      await sleep(lookEveryMs);
    }
    this.stop();
  }

  /** Closes the sockets of this end, without waiting. */
  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
