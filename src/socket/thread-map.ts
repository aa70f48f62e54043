import { Socket } from './classes.js';

/**
 * Returns the map of this name, which all copies and versions of this package in a thread share. A name ends in the version
 * of the values' type: a change of the type takes another name. `net.Socket` holds the maps, because a test runner such as
 * jest replaces `globalThis` and evaluates the package anew for each file.
 */
export function threadMap<Key, Value>(name: string): Map<Key, Value> {
  const key = Symbol.for(`tcp-keepalive/${name}`);
  const known = (Socket as unknown as { readonly [key]?: Map<Key, Value> })[key];
  if (known !== undefined) return known;
  const map = new Map<Key, Value>();
  // If the program froze the class, this copy of the package has a map of its own.
  Reflect.defineProperty(Socket, key, { value: map, enumerable: false });
  return map;
}
