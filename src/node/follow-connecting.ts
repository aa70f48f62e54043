import type net from 'node:net';
import { Socket } from './classes.js';
import type { ConnectRequest } from './connection-hooks.js';
import { bottomOf, descriptorOf, fdOf, type Handle, handleOf } from './handle.js';
import { type Method, wrap } from './wrap.js';

/** Returns the symbol with this description among an object's own properties. Returns undefined if there is none. */
function symbolOf(target: object, description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(target).find((symbol) => symbol.description === description);
}

/** The key of the method of `net.Socket` that creates the handle for the next address (lib/net.js). */
const reinitialize = symbolOf(Socket.prototype, 'kReinitializeHandle');

/** Follows a socket that is connecting. The socket gets a new descriptor for each address that Node.js tries. */
export interface Following {
  /** Returns whether the socket is still connecting; false after a close, even if the `close` event was missed. */
  isPending(): boolean;
}

/** Wraps methods of one socket and its handles. Does not add listeners, because a program counts and removes listeners. */
class HandleFollowing implements Following {
  readonly #socket: net.Socket;
  readonly #opened: () => void;
  /** The key of the socket's flag whether Node.js itself sets keepalive once the socket is connected. */
  readonly #keepAliveLater: symbol;
  readonly #restore: (() => void)[] = [];
  #handle: Handle | undefined;
  #isOpen = false;
  /** True while `opened` runs: without the FFI, `opened` sets keepalive through the handle's own method. */
  #isCallingOpened = false;
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

  #callOpened(): void {
    this.#isOpen = true;
    this.#isCallingOpened = true;
    try {
      this.#opened();
    } finally {
      this.#isCallingOpened = false;
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
        if (descriptorOf(this.#socket) !== undefined) this.#callOpened();
      }
    });
  }

  #follow(handle: Handle | undefined): void {
    this.#handle = handle;
    if (handle === undefined) return;
    this.#isOpen = fdOf(handle) !== undefined;
    for (const method of ['connect', 'connect6']) {
      if (method in handle) this.#wrap(handle, method, (original) => this.#wrapConnect(handle, original));
    }
    if (handle.setKeepAlive !== undefined) {
      this.#wrap(handle, 'setKeepAlive', (original) => this.#wrapKeepAlive(handle, original));
    }
  }

  #wrapConnect(handle: Handle, original: Method) {
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
      if (status === 0) this.#callOpened();
      return status;
    };
  }

  /**
   * Returns a wrapper that calls `opened` again after Node's own call. Node.js carries out an earlier `setKeepAlive` between
   * the handshake and the event 'connect', which resets interval and count. The next call is the program's.
   */
  #wrapKeepAlive(handle: Handle, original: Method) {
    const isDueLater = () => Boolean((this.#socket as unknown as Record<symbol, unknown>)[this.#keepAliveLater]);
    let isNodesOwn = isDueLater();
    return (...args: never[]) => {
      const status = Reflect.apply(original, handle as never, args);
      if (this.#isCallingOpened) return status;
      const { connecting } = this.#socket;
      const mustSetAgain = connecting ? this.#isOpen : isNodesOwn;
      isNodesOwn = isDueLater();
      if (!connecting) this.#end();
      if (mustSetAgain) this.#callOpened();
      return status;
    };
  }
}

/** Listens to the events of one socket, in runtimes without Node's handles. */
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
 * Calls `opened` in the same tick in which a connecting socket gets a new descriptor. Also calls `opened` each time Node.js
 * itself has set keepalive on the descriptor before the event 'connect'.
 */
export function followConnecting(socket: net.Socket, opened: () => void): Following {
  const keepAliveLater = symbolOf(socket, 'kSetKeepAlive');
  // Bun has both symbols, but not Node's handles.
  const isBun = process.versions['bun'] !== undefined;
  return isBun || reinitialize === undefined || keepAliveLater === undefined
    ? new EventFollowing(socket, opened)
    : new HandleFollowing(socket, opened, keepAliveLater);
}
