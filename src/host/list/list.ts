import { fromWorker, isWorker } from '../from-worker.js';
import { chooseOptionSource } from '../options/choice.js';
import { assertListQuery, type ListQuery } from './list-query.js';
import { type Listing, listThrough } from './listing.js';

/**
 * Lists the connections of the machine with their owners, options and verdicts.
 *
 * From the kernel's socket diagnosis, in each network namespace one dump of IPv4 and IPv6, read a second time where it
 * came in several pieces, because the kernel then passes over a socket now and then; the options come
 * through the kernel's TCP iterator where that is permitted (CAP_BPF and CAP_PERFMON) and safe (free of CVE-2026-74714),
 * else through copies of the descriptors (the same user, or CAP_SYS_PTRACE), and where they are many at once through the
 * iterator of open files (CAP_BPF and CAP_PERFMON). What could not be read is named in `incomplete`; a row never has a
 * value that was not read.
 *
 * Linux.
 *
 * @throws {ConfigurationError} if a name in the query is not known.
 * @throws {UnsupportedError} elsewhere, and where the kernel has no inet_diag; {@link SystemCallError} as the kernel
 * refuses the dump.
 */
export function listConnections(query: ListQuery = {}): Listing {
  assertListQuery('listConnections', query);
  if (isWorker()) return fromWorker('listConnections', [query]);
  using chosen = query.options === false ? undefined : chooseOptionSource(query.optionSource);
  return listThrough(chosen, query);
}
