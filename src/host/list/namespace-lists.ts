import { SystemCallError } from '../../native/errors.js';
import { retries2 } from '../../socket/kernel-defaults.js';
import type { TcpState } from '../../wire/tcp-info/state.js';
import { allStates, type Dump, dumpConnections, liveStates } from '../dump/dump.js';
import { type NetworkNamespace, networkNamespaces, within } from '../namespaces/network-namespaces.js';
import type { OptionReading, OptionSource } from '../options/source.js';
import type { Cgroups } from '../owners/cgroups.js';
import { kernelFilter } from '../selection/kernel-filter.js';
import { kernelSelection } from '../selection/match.js';
import type { Omission } from './connection.js';
import type { ListQuery } from './list-query.js';

/** A network namespace and the kernel's list of its connections. */
export interface NamespaceList {
  readonly namespace: NetworkNamespace | undefined;
  readonly dump: Dump;
  /** What the TCP iterator read, if that is the option source. */
  readonly reading: OptionReading | undefined;
  readonly retries2: number | null;
}

function statesOf({ selection, allStates: all = false }: ListQuery): readonly TcpState[] {
  if (selection?.state !== undefined) return selection.state;
  return all ? allStates : [...liveStates, 'LISTEN'];
}

/** The namespaces that a query is about; `undefined` stands for this process's own. */
interface Wanted {
  readonly namespaces: readonly (NetworkNamespace | undefined)[];
  /** Whether the query can be about no other namespace. */
  readonly isWhole: boolean;
}

function namespacesOf({ selection, allNetns = false }: ListQuery, incomplete: Omission[]): Wanted {
  const wanted = selection?.netns;
  if (!allNetns && wanted === undefined) return { namespaces: [undefined], isWhole: true };
  const found = networkNamespaces();
  incomplete.push(...found.incomplete);
  if (wanted === undefined) return found;
  const namespaces = found.namespaces.filter(({ inode }) => wanted.includes(inode));
  return { namespaces, isWhole: found.isWhole || namespaces.length === new Set(wanted).size };
}

function readList(
  namespace: NetworkNamespace | undefined,
  query: ListQuery,
  cgroups: Cgroups,
  source: OptionSource | undefined,
): NamespaceList {
  const kernelPart = kernelSelection(query.selection ?? {}, (path) => cgroups.idsBelow(path));
  const filter = kernelFilter(kernelPart);
  const restriction = filter === undefined ? {} : { filter };
  return within(namespace, () => ({
    namespace,
    dump: dumpConnections({
      states: statesOf(query),
      info: true,
      findMissed: query.findMissed ?? false,
      ...restriction,
    }),
    reading: source?.perNamespace ? source.read([]) : undefined,
    retries2: retries2(),
  }));
}

interface NamespaceLists {
  readonly lists: readonly NamespaceList[];
  readonly isWhole: boolean;
}

/** Returns whether a namespace that could not be entered has ended since it was found, and its connections with it. */
function isGone({ inode }: NetworkNamespace): boolean {
  const { namespaces, isWhole } = networkNamespaces();
  return isWhole && namespaces.every((other) => other.inode !== inode);
}

/** Reads one namespace after the other. Names a namespace that cannot be entered in `incomplete`. */
export function readLists(
  query: ListQuery,
  cgroups: Cgroups,
  source: OptionSource | undefined,
  incomplete: Omission[],
): NamespaceLists {
  const lists: NamespaceList[] = [];
  const wanted = namespacesOf(query, incomplete);
  let { isWhole } = wanted;
  for (const namespace of wanted.namespaces) {
    try {
      lists.push(readList(namespace, query, cgroups, source));
    } catch (error) {
      if (namespace === undefined || namespace.isOwn || !(error instanceof SystemCallError)) throw error;
      if (isGone(namespace)) continue;
      isWhole = false;
      incomplete.push({
        what: `the connections of network namespace ${namespace.name ?? namespace.inode}`,
        why: error.message,
      });
    }
  }
  for (const { dump, reading } of lists) incomplete.push(...dump.incomplete, ...(reading?.incomplete ?? []));
  return { lists, isWhole: isWhole && lists.every(({ dump }) => dump.isWhole) };
}
