import { SystemCallError } from '../../native/errors.js';
import { currentNamespace, dumpConnections } from '../dump/dump.js';
import { networkNamespaces, within } from '../namespaces/network-namespaces.js';
import type { HostConnection } from './connection.js';
import { type Group, type GroupFacts, type Grouping, groupRows } from './groups.js';
import type { ConnectionRow } from './row.js';

const readListeners = () => dumpConnections({ states: ['LISTEN'] }).connections;

/** Returns the listeners of the network namespaces of some rows; of a namespace that cannot be entered any more, none. */
function listenersBeside(rows: readonly ConnectionRow[]): HostConnection[] {
  const own = currentNamespace();
  const inodes = new Set(rows.map(({ connection }) => connection.netns));
  const isAllOwn = [...inodes].every((inode) => inode === own);
  const namespaces = isAllOwn ? [undefined] : networkNamespaces().namespaces.filter(({ inode }) => inodes.has(inode));
  return namespaces.flatMap((namespace) => {
    try {
      return within(namespace, readListeners);
    } catch (error) {
      if (namespace === undefined || !(error instanceof SystemCallError)) throw error;
      return [];
    }
  });
}

function namespaceNames(): Map<number, string> {
  return new Map(
    networkNamespaces().namespaces.flatMap(({ inode, name }) => (name === undefined ? [] : [[inode, name]])),
  );
}

function factsFor(rows: readonly ConnectionRow[], by: Grouping): GroupFacts {
  if (by === 'port') return { listeners: listenersBeside(rows) };
  return by === 'netns' ? { namespaceNames: namespaceNames() } : {};
}

/**
 * Groups rows as {@link groupRows} does. Also uses listeners that the filters of the list exclude, and the names of network
 * namespaces.
 */
export function groupListed(rows: readonly ConnectionRow[], by: Grouping): Group[] {
  return groupRows(rows, by, factsFor(rows, by));
}
