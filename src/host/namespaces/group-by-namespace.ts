import { currentNamespace } from '../dump/dump.js';
import type { HostConnection } from '../list/connection.js';
import { type NetworkNamespace, networkNamespaces } from './network-namespaces.js';

/** Things that belong to one network namespace. */
export interface NamespaceGroup<T> {
  /** `undefined` is this process's own. */
  readonly namespace: NetworkNamespace | undefined;
  readonly items: readonly T[];
}

/** Things by their network namespaces. */
export interface NamespaceGroups<T> {
  readonly shares: readonly NamespaceGroup<T>[];
  /** Those whose namespace has gone meanwhile, and their connections with it. */
  readonly gone: readonly T[];
}

/** Shares things out by the network namespace of their connections. */
export function groupByNamespace<T>(
  items: readonly T[],
  connectionOf: (item: T) => HostConnection,
): NamespaceGroups<T> {
  const byInode = new Map<number, T[]>();
  for (const item of items) {
    const { netns } = connectionOf(item);
    const share = byInode.get(netns);
    if (share === undefined) byInode.set(netns, [item]);
    else share.push(item);
  }
  const own = currentNamespace();
  if ([...byInode.keys()].every((inode) => inode === own)) {
    return { shares: items.length === 0 ? [] : [{ namespace: undefined, items }], gone: [] };
  }
  const known = new Map(networkNamespaces().namespaces.map((namespace) => [namespace.inode, namespace]));
  const shares: NamespaceGroup<T>[] = [];
  const gone: T[] = [];
  for (const [inode, share] of byInode) {
    const namespace = known.get(inode);
    if (namespace === undefined) gone.push(...share);
    else shares.push({ namespace, items: share });
  }
  return { shares, gone };
}
