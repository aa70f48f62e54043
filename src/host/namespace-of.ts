import type { HostConnection } from './connection.js';
import { currentNamespace } from './dump.js';
import { type NetworkNamespace, networkNamespaces } from './network-namespaces.js';

/** Things that belong to one network namespace. */
export interface Share<T> {
  /** `undefined` is this process's own. */
  readonly namespace: NetworkNamespace | undefined;
  readonly items: readonly T[];
}

/** Shares things out by the network namespace of their connections. One that has gone meanwhile takes its items along. */
export function byNamespace<T>(items: readonly T[], connectionOf: (item: T) => HostConnection): Share<T>[] {
  const shares = new Map<number, T[]>();
  for (const item of items) {
    const { netns } = connectionOf(item);
    const share = shares.get(netns);
    if (share === undefined) shares.set(netns, [item]);
    else share.push(item);
  }
  const own = currentNamespace();
  if ([...shares.keys()].every((inode) => inode === own))
    return items.length === 0 ? [] : [{ namespace: undefined, items }];
  const known = new Map(networkNamespaces().namespaces.map((namespace) => [namespace.inode, namespace]));
  return [...shares].flatMap(([inode, share]) => {
    const namespace = known.get(inode);
    return namespace === undefined ? [] : [{ namespace, items: share }];
  });
}
