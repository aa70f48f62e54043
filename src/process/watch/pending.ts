import type net from 'node:net';

/** Sockets that wait to be connected; none is kept from being collected. */
export class Pending {
  readonly #listeners = new WeakMap<net.Socket, () => void>();
  readonly #sockets = new Set<WeakRef<net.Socket>>();

  /** Has `connected` called once the socket is, before its own listeners, unless it is taken out before, or closed. */
  add(socket: net.Socket, connected: () => void): void {
    if (this.#listeners.has(socket)) return;
    for (const other of this.#sockets) if (other.deref() === undefined) this.#sockets.delete(other);
    const reference = new WeakRef(socket);
    const forget = () => {
      socket.off('connect', onConnect).off('close', forget);
      this.#listeners.delete(socket);
      this.#sockets.delete(reference);
    };
    const onConnect = () => {
      forget();
      connected();
    };
    this.#listeners.set(socket, forget);
    this.#sockets.add(reference);
    // The program's own listeners may end the connection.
    socket.prependListener('connect', onConnect).on('close', forget);
  }

  delete(socket: net.Socket): boolean {
    const forget = this.#listeners.get(socket);
    forget?.();
    return forget !== undefined;
  }

  clear(): void {
    for (const reference of [...this.#sockets]) {
      const socket = reference.deref();
      if (socket === undefined) this.#sockets.delete(reference);
      else this.delete(socket);
    }
  }
}
