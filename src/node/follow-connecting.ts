import type net from 'node:net';
import { Socket } from './classes.js';
import type { ConnectRequest } from './connection-hooks.js';
import { bottomOf, descriptorOf, fdOf, type Handle, handleOf } from './handle.js';
import { type Method, wrap } from './wrap.js';

/** A private symbol of Node.js among the properties of an object. */
function symbolOf(target: object, description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(target).find((symbol) => symbol.description === description);
}

/** The key of the method of `net.Socket` that creates the handle for the next address (lib/net.js). */
const reinitialize = symbolOf(Socket.prototype, 'kReinitializeHandle');

/** A socket that is connecting. It gets a new descriptor for each address that Node.js tries. */
export interface Following {
  /** Whether the socket is still connecting; false after a close, even if the `close` event was missed. */
  isPending(): boolean;
}

/**
 * Follows one socket through methods of its own objects. Listeners would not do: a program counts and removes them.
 */
class HandleFollowing implements Following {
  readonly #socket: net.Socket;
  readonly #opened: () => void;
  /** The key of the socket's flag that tells whether Node.js itself sets keepalive once the socket is connected. */
  readonly #keepAliveLater: symbol;
  readonly #restore: (() => void)[] = [];
  #handle: Handle | undefined;
  #isOpen = false;
  /** Set while `opened` runs: without the FFI, it sets keepalive through the handle's own method. */
  #isTelling = false;
  #isOver = false;

  constructor(socket: net.Socket, opened: () => void, keepAliveLater: symbol) {
    this.#socket = socket;
    this.#opened = opened;
    this.#keepAliveLater = keepAliveLater;
    this.#begin();
  }

  isPending(): boolean {
    if (this.#isOver) return false;
    if (this.#handle === undefined) return !this.#socket.destroyed;
    return this.#socket.connecting && this.#currentHandle() === this.#handle;
  }

  #currentHandle(): Handle | undefined {
    const handle = handleOf(this.#socket);
    return handle && bottomOf(handle);
  }

  #wrap(target: object, key: PropertyKey, make: (original: Method) => (...args: never[]) => unknown): () => void {
    const restore = wrap(target, key, make);
    this.#restore.push(restore);
    return restore;
  }

  #tell(): void {
    this.#isOpen = true;
    this.#isTelling = true;
    try {
      this.#opened();
    } finally {
      this.#isTelling = false;
    }
  }

  #end(): void {
    this.#isOver = true;
    for (const restore of this.#restore.splice(0)) restore();
  }

  #begin(): void {
    const handle = this.#currentHandle();
    if (handle === undefined) {
      this.#awaitHandle();
      return;
    }
    this.#wrap(this.#socket, reinitialize as symbol, (original) => (...args) => {
      const wasPending = this.isPending();
      Reflect.apply(original, this.#socket as never, args);
      if (wasPending) this.#follow(this.#currentHandle());
      else this.#end();
    });
    this.#follow(handle);
  }

  #awaitHandle(): void {
    const restore = this.#wrap(this.#socket, 'connect', (original) => (...args) => {
      restore();
      if (!this.isPending()) this.#end();
      try {
        return Reflect.apply(original, this.#socket as never, args);
      } finally {
        if (!this.#isOver) this.#begin();
        // A pipe connects at once.
        if (descriptorOf(this.#socket) !== undefined) this.#tell();
      }
    });
  }

  #follow(handle: Handle | undefined): void {
    this.#handle = handle;
    if (handle === undefined) return;
    this.#isOpen = fdOf(handle) !== undefined;
    for (const method of ['connect', 'connect6']) {
      if (method in handle) this.#wrap(handle, method, (original) => this.#connecting(handle, original));
    }
    if (handle.setKeepAlive !== undefined) {
      this.#wrap(handle, 'setKeepAlive', (original) => this.#settingKeepAlive(handle, original));
    }
  }

  #connecting(handle: Handle, original: Method) {
    return (...args: [ConnectRequest, ...never[]]) => {
      const [request] = args;
      const { oncomplete } = request;
      if (oncomplete !== undefined) {
        request.oncomplete = (...results) => {
          try {
            return Reflect.apply(oncomplete, request, results);
          } finally {
            if (!this.isPending()) this.#end();
          }
        };
      }
      const status = Reflect.apply(original, handle as never, args as never);
      if (status === 0) this.#tell();
      return status;
    };
  }

  /**
   * Node.js carries out an earlier `setKeepAlive` of its own between the handshake and the event 'connect', which resets
   * interval and count. The next call is the program's.
   */
  #settingKeepAlive(handle: Handle, original: Method) {
    const isDueLater = () => Boolean((this.#socket as unknown as Record<symbol, unknown>)[this.#keepAliveLater]);
    let isNodesOwn = isDueLater();
    return (...args: never[]) => {
      const status = Reflect.apply(original, handle as never, args);
      if (this.#isTelling) return status;
      const { connecting } = this.#socket;
      const mustSetAgain = connecting ? this.#isOpen : isNodesOwn;
      isNodesOwn = isDueLater();
      if (!connecting) this.#end();
      if (mustSetAgain) this.#tell();
      return status;
    };
  }
}

/** Follows one socket through its events, in runtimes whose sockets have no such handles. */
class EventFollowing implements Following {
  #isOver = false;

  constructor(socket: net.Socket, opened: () => void) {
    const onAttempt = () => process.nextTick(openedIfOpen);
    const openedIfOpen = () => {
      if (!this.#isOver && descriptorOf(socket) !== undefined) opened();
    };
    const stop = () => {
      this.#isOver = true;
      socket.off('connectionAttempt', onAttempt).off('connect', onConnect).off('close', stop);
    };
    const onConnect = () => {
      opened();
      stop();
    };
    socket.on('connectionAttempt', onAttempt).prependListener('connect', onConnect).on('close', stop);
  }

  isPending(): boolean {
    return !this.#isOver;
  }
}

/**
 * Calls `opened` each time a socket that is not connected yet has a new descriptor, in the same tick, and each time
 * Node.js itself has set keepalive on that descriptor before the event 'connect'.
 */
export function followConnecting(socket: net.Socket, opened: () => void): Following {
  const keepAliveLater = symbolOf(socket, 'kSetKeepAlive');
  // Bun has these symbols, too, but not Node's handles.
  const isBun = process.versions['bun'] !== undefined;
  return isBun || reinitialize === undefined || keepAliveLater === undefined
    ? new EventFollowing(socket, opened)
    : new HandleFollowing(socket, opened, keepAliveLater);
}
