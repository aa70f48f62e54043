import type net from 'node:net';
import { Socket } from './classes.js';
import { threadMap } from './thread-map.js';

/** The method of `TLSSocket` that receives the socket below TLS, once, if that socket has a handle. */
const method = '_init';

/** Returns whether this thread has loaded `node:tls`. Returns true if the runtime has no list of loaded modules. */
function isTlsLoaded(): boolean {
  const { moduleLoadList } = process as unknown as { readonly moduleLoadList?: readonly string[] };
  return moduleLoadList?.some((entry) => /tls[/_]wrap$/.test(entry)) ?? true;
}

function tlsPrototype(): object | undefined {
  const { TLSSocket } = process.getBuiltinModule('node:tls') as { readonly TLSSocket: typeof net.Socket };
  return method in TLSSocket.prototype ? TLSSocket.prototype : undefined;
}

/** Defines a property of an object with the attributes of an assignment. */
function define(object: object, value: unknown): void {
  Object.defineProperty(object, method, { value, writable: true, enumerable: true, configurable: true });
}

type Loaded = (prototype: object) => void;

/** The waiting callbacks of all copies of this package, which share one setter. */
const waiting = threadMap<object, Loaded>('tls-waiting/1');

/** Defines a setter that runs when Node.js assigns the method to the prototype of `TLSSocket`, which inherits the setter. */
function defineSetter(): void {
  const base = Socket.prototype;
  Object.defineProperty(base, method, {
    configurable: true,
    get: () => undefined,
    set(this: object, value: unknown) {
      define(this, value);
      // A class of the program may have a method of this name too.
      if (Object.getPrototypeOf(this) !== base || this.constructor?.name !== 'TLSSocket') return;
      const all = [...waiting.values()];
      waiting.clear();
      Reflect.deleteProperty(base, method);
      for (const loaded of all) loaded(this);
    },
  });
}

/**
 * Calls `loaded` with the prototype of `TLSSocket`: now, or when the program loads `node:tls`. Does not load `node:tls`,
 * which takes 5 ms. Returns a function that stops waiting.
 */
export function whenTlsIsLoaded(loaded: Loaded): () => void {
  if (isTlsLoaded()) {
    const prototype = tlsPrototype();
    if (prototype !== undefined) loaded(prototype);
    return () => {};
  }
  if (waiting.size === 0) defineSetter();
  const token = {};
  waiting.set(token, loaded);
  return () => {
    if (waiting.delete(token) && waiting.size === 0) Reflect.deleteProperty(Socket.prototype, method);
  };
}
