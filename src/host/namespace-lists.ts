import { SystemCallError } from '../native/index.js';
import { retries2 } from '../socket/kernel-defaults.js';
import type { TcpState } from '../wire/tcp-state.js';
import type { Cgroups } from './cgroups.js';
import type { Incomplete } from './connection.js';
import { allStates, type Dump, dumpConnections, liveStates } from './dump.js';
import { kernelFilter } from './kernel-filter.js';
import type { ListQuery } from './list-query.js';
import { type NetworkNamespace, networkNamespaces, within } from './network-namespaces.js';
import type { OptionReading, OptionSource } from './options/source.js';
import { kernelSelection } from './selection-match.js';

/** A network namespace, and its connections. */
export interface Place {
  readonly namespace: NetworkNamespace | undefined;
  readonly dump: Dump;
  /** By the TCP iterator, where that is the way. */
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
  /** Whether there can be no others that the query is about. */
  readonly isWhole: boolean;
}

function namespacesOf({ selection, allNetns = false }: ListQuery, incomplete: Incomplete[]): Wanted {
  const wanted = selection?.netns;
  if (!allNetns && wanted === undefined) return { namespaces: [undefined], isWhole: true };
  const found = networkNamespaces();
  incomplete.push(...found.incomplete);
  if (wanted === undefined) return found;
  const namespaces = found.namespaces.filter(({ inode }) => wanted.includes(inode));
  return { namespaces, isWhole: found.isWhole || namespaces.length === new Set(wanted).size };
}

function readPlace(
  namespace: NetworkNamespace | undefined,
  query: ListQuery,
  cgroups: Cgroups,
  source: OptionSource | undefined,
): Place {
  const kernelPart = kernelSelection(query.selection ?? {}, (path) => cgroups.idsBelow(path));
  const filter = kernelFilter(kernelPart);
  const restriction = filter === undefined ? {} : { filter };
  return within(namespace, () => ({
    namespace,
    dump: dumpConnections({ states: statesOf(query), info: true, ...restriction }),
    reading: source?.perNamespace ? source.read([]) : undefined,
    retries2: retries2(),
  }));
}

interface Places {
  readonly places: readonly Place[];
  readonly isWhole: boolean;
}

/** Whether a namespace that could not be entered has ended since it was found, and its connections with it. */
function isGone({ inode }: NetworkNamespace): boolean {
  const { namespaces, isWhole } = networkNamespaces();
  return isWhole && namespaces.every((other) => other.inode !== inode);
}

/** Reads one namespace after the other; one that cannot be entered is said to be missing. */
export function readPlaces(
  query: ListQuery,
  cgroups: Cgroups,
  source: OptionSource | undefined,
  incomplete: Incomplete[],
): Places {
  const places: Place[] = [];
  const wanted = namespacesOf(query, incomplete);
  let { isWhole } = wanted;
  for (const namespace of wanted.namespaces) {
    try {
      places.push(readPlace(namespace, query, cgroups, source));
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
  for (const { dump, reading } of places) incomplete.push(...dump.incomplete, ...(reading?.incomplete ?? []));
  return { places, isWhole: isWhole && places.every(({ dump }) => dump.isWhole) };
}
