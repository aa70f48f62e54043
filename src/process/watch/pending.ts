import type net from 'node:net';

/** Sockets that wait to be connected; none is kept from being collected. */
export class Pending {
  readonly #listeners = new WeakMap<net.Socket, () => void>();
  readonly #sockets = new Set<WeakRef<net.Socket>>();
  readonly #collected = new FinalizationRegistry<WeakRef<net.Socket>>((reference) => this.#sockets.delete(reference));

  /** Has `connected` called once the socket is, before its own listeners, unless it is taken out before, or closed. */
  add(socket: net.Socket, connected: () => void): void {
    if (this.#listeners.has(socket)) return;
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
    this.#collected.register(socket, reference);
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
      if (socket !== undefined) this.delete(socket);
    }
    this.#sockets.clear();
  }
}
