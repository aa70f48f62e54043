import { createRequire } from 'node:module';
import net from 'node:net';

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

/**
 * Calls back with the prototype of `TLSSocket`: now, or when the program loads `node:tls`. Does not load the module itself,
 * which takes 5 ms. The prototype inherits from that of `net.Socket` before its methods are assigned, so a setter on
 * `net.Socket.prototype` receives it. Returns a function that stops waiting.
 */
export function whenTlsIsLoaded(loaded: (prototype: object) => void): () => void {
  if (isTlsLoaded()) {
    const prototype = tlsPrototype();
    if (prototype !== undefined) loaded(prototype);
    return () => {};
  }
  const base = net.Socket.prototype;
  const stop = () => void Reflect.deleteProperty(base, method);
  Object.defineProperty(base, method, {
    configurable: true,
    get: () => undefined,
    set(this: object, value: unknown) {
      define(this, value);
      // A class of the program that has such a method too is not the one.
      if (Object.getPrototypeOf(this) !== base || this.constructor.name !== 'TLSSocket') return;
      stop();
      loaded(this);
    },
  });
  return stop;
}
