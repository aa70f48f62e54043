import { Socket } from './classes.js';

/**
 * Returns the value of this name, which all copies and versions of this package in a thread share. A name ends in the
 * version of the value's type: a change of the type requires another name. `net.Socket` holds the values, because a test
 * runner such as jest replaces `globalThis` and evaluates the package again for each file.
 */
export function sharedInThread<Value>(name: string, create: () => Value): Value {
  const key = Symbol.for(`tcp-keepalive/${name}`);
  const known = (Socket as unknown as { readonly [key]?: Value })[key];
  if (known !== undefined) return known;
  const value = create();
  // If the program froze the class, this copy of the package has a value of its own.
  Reflect.defineProperty(Socket, key, { value, enumerable: false });
  return value;
}

/** Returns the map of this name, as {@link sharedInThread} does. */
export function threadMap<Key, Value>(name: string): Map<Key, Value> {
  return sharedInThread(name, () => new Map<Key, Value>());
}
