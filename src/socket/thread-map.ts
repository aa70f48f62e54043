import { Socket } from './classes.js';

/**
 * Returns a map that all copies and versions of this package in a thread share, by the name of what it holds. A name ends
 * in the version of the values: a change of their type takes another name. `net.Socket` has the maps, because a test
 * runner such as jest replaces `globalThis` and evaluates the package anew for each file.
 */
export function threadMap<Key, Value>(name: string): Map<Key, Value> {
  const key = Symbol.for(`tcp-keepalive/${name}`);
  const known = (Socket as unknown as { readonly [key]?: Map<Key, Value> })[key];
  if (known !== undefined) return known;
  const map = new Map<Key, Value>();
  // Where the class was frozen, this copy of the package has a map of its own.
  Reflect.defineProperty(Socket, key, { value: map, enumerable: false });
  return map;
}
