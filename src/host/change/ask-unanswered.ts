import { SystemCallError } from '../../native/errors.js';
import { pause } from '../../native/pause.js';
import { nowMs } from '../../node/real-time.js';
import { permittedSegmentStates, SegmentProber } from '../check/segment-prober.js';
import { liveStates } from '../dump/dump.js';
import { refresh } from '../dump/refresh.js';
import type { HostConnection } from '../list/connection.js';
import { groupByNamespace, type NamespaceGroup } from '../namespaces/group-by-namespace.js';

/** Linux answers at most one probe in 500 ms (tcp_invalid_ratelimit): the second question comes after that. */
const askAtMs = [0, 550];
const waitMs = 750;
const lookEveryMs = 10;

const unansweredOf = ({ info }: HostConnection) => info?.probes ?? 0;

/** Asks and waits; blocks this thread meanwhile. */
function askShare(
  { namespace, items }: NamespaceGroup<HostConnection>,
  prober: SegmentProber,
): Map<bigint, HostConnection> {
  const startedAt = nowMs();
  const seen = new Map<bigint, HostConnection>();
  let waiting = items;
  for (let round = 0; waiting.length > 0 && nowMs() - startedAt < waitMs; ) {
    if (nowMs() - startedAt >= (askAtMs[round] ?? Number.POSITIVE_INFINITY)) {
      round += 1;
      for (const connection of waiting) prober.ask(connection);
    }
    pause(lookEveryMs);
    for (const [cookie, connection] of refresh(waiting, namespace, liveStates)) seen.set(cookie, connection);
    waiting = waiting.filter((connection) => unansweredOf(seen.get(connection.cookie) ?? connection) > 0);
  }
  return seen;
}

/**
 * Asks the peers that have left probes unanswered, from beside their connections, and waits up to 0.75 s: an answer sets
 * the kernel's count of unanswered probes to 0. Does nothing if asking from beside is not permitted.
 *
 * @returns the last look at the connections, by cookie.
 */
export function askUnanswered(connections: readonly HostConnection[]): ReadonlyMap<bigint, HostConnection> {
  const seen = new Map<bigint, HostConnection>();
  const unanswered = connections.filter((connection) => unansweredOf(connection) > 0);
  const states = unanswered.length === 0 ? undefined : permittedSegmentStates();
  if (states === undefined) return seen;
  for (const share of groupByNamespace(unanswered, (connection) => connection).shares) {
    try {
      using prober = new SegmentProber(states, share.namespace);
      for (const [cookie, connection] of askShare(share, prober)) seen.set(cookie, connection);
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
    }
  }
  return seen;
}
