import { fromWorker, isWorker } from '../from-worker.js';
import { chooseOptionSource } from '../options/choice.js';
import { assertListQuery, type ListQuery } from './list-query.js';
import { type Listing, listThrough } from './listing.js';

/**
 * Lists the connections of the machine with their owners, options and verdicts.
 *
 * The connections come from the kernel's socket diagnosis, one list of IPv4 and IPv6 for each network namespace. The kernel
 * passes over a socket if another socket leaves its chain of the hash table meanwhile: `findMissed` finds it. The options come
 * through the kernel's TCP iterator where that is permitted (CAP_BPF and CAP_PERFMON) and safe (free of CVE-2026-74714), else
 * through copies of the descriptors (the same user, or CAP_SYS_PTRACE), and of many sockets at once through the iterator of
 * open files (CAP_BPF and CAP_PERFMON). `incomplete` names what the rows lack. A row never has a value that was not read.
 *
 * Blocks the thread for about 10 us a socket, or 5 us without options. Linux.
 *
 * @example
 * const { rows } = listConnections({ selection: parseSelection({ verdict: 'unprotected' }) });
 * for (const { connection, process } of rows) console.log(connection.remote.address, process?.name);
 * @throws {ConfigurationError} if a name or value in the query is wrong.
 * @throws {SelectionError} if a value of a filter is wrong.
 * @throws {UnsupportedError} on other platforms, and if the kernel has no inet_diag.
 * @throws {SystemCallError} if the kernel refuses the list.
 */
export function listConnections(query: ListQuery = {}): Listing {
  assertListQuery('listConnections', query);
  if (isWorker()) return fromWorker('listConnections', [query]);
  using chosen = query.options === false ? undefined : chooseOptionSource(query.optionSource);
  return listThrough(chosen, query);
}
