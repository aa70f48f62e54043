import { createRequire } from 'node:module';
import type net from 'node:net';
import { Socket } from './classes.js';
import { threadMap } from './thread-map.js';

/** The method of `TLSSocket` that receives the socket below TLS, once, if that socket has a handle. */
const method = '_init';

/** Node's list of the built-in modules that this thread has loaded; `undefined` if there is none. */
function isTlsLoaded(): boolean {
  const { moduleLoadList } = process as unknown as { readonly moduleLoadList?: readonly string[] };
  return moduleLoadList?.some((entry) => /tls[/_]wrap$/.test(entry)) ?? true;
}

function tlsPrototype(): object | undefined {
  const { TLSSocket } = createRequire(import.meta.url)('node:tls') as { readonly TLSSocket: typeof net.Socket };
  return method in TLSSocket.prototype ? TLSSocket.prototype : undefined;
}

/** Defines a property of an object with the attributes of an assignment. */
function define(object: object, value: unknown): void {
  Object.defineProperty(object, method, { value, writable: true, enumerable: true, configurable: true });
}

type Loaded = (prototype: object) => void;

/** Who waits, of all copies of this package: there is one setter, whichever copy has defined it. */
const waiting = threadMap<object, Loaded>('tls-waiting/1');

/** The prototype of `TLSSocket` inherits from that of `net.Socket` before its methods are assigned: a setter there is called. */
function listen(): void {
  const base = Socket.prototype;
  Object.defineProperty(base, method, {
    configurable: true,
    get: () => undefined,
    set(this: object, value: unknown) {
      define(this, value);
      // A class of the program that has such a method too is not the one.
      if (Object.getPrototypeOf(this) !== base || this.constructor?.name !== 'TLSSocket') return;
      const all = [...waiting.values()];
      waiting.clear();
      Reflect.deleteProperty(base, method);
      for (const loaded of all) loaded(this);
    },
  });
}

/**
 * Calls back with the prototype of `TLSSocket` as soon as there is one: now, or when the program loads `node:tls`, which
 * takes 5 ms and is not loaded for it. Returns a function that stops waiting.
 */
export function whenTlsIsLoaded(loaded: Loaded): () => void {
  if (isTlsLoaded()) {
    const prototype = tlsPrototype();
    if (prototype !== undefined) loaded(prototype);
    return () => {};
  }
  if (waiting.size === 0) listen();
  const token = {};
  waiting.set(token, loaded);
  return () => {
    if (waiting.delete(token) && waiting.size === 0) Reflect.deleteProperty(Socket.prototype, method);
  };
}
