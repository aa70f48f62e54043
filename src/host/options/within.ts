import { type NetworkNamespace, within } from '../namespaces/network-namespaces.js';
import type { OptionSource } from './source.js';

/** A source that does its work in a network namespace, where it reaches only that; disposing of it does nothing. */
export function sourceWithin(source: OptionSource, namespace: NetworkNamespace | undefined): OptionSource {
  if (!source.perNamespace || namespace === undefined || namespace.isOwn) return bound(source);
  const inner = bound(source);
  return {
    ...inner,
    read: (...sockets) => within(namespace, () => inner.read(...sockets)),
    write: (changes) => within(namespace, () => inner.write(changes)),
  };
}

function bound(source: OptionSource): OptionSource {
  return {
    method: source.method,
    perNamespace: source.perNamespace,
    read: (...sockets) => source.read(...sockets),
    write: (changes) => source.write(changes),
    [Symbol.dispose]: () => {},
  };
}
