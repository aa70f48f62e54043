import { type SystemCallError, UnsupportedError } from '../native/index.js';
import type { Incomplete } from './connection.js';
import { destroyConnections } from './destroy.js';
import { dumpConnections } from './dump.js';
import { type Answer, askPeers, type PeerAnswer } from './interview.js';
import { type ListQuery, listThrough, referenceTo } from './list.js';
import { byNamespace, type Share } from './namespace-of.js';
import { within } from './network-namespaces.js';
import { type ChosenSource, chooseOptionSource } from './options/choice.js';
import { sourceWithin } from './options/within.js';
import type { ConnectionRow } from './row.js';
import { makeChanges } from './set.js';

/** A connection and what its peer answered. */
export interface CheckedPeer {
  readonly row: ConnectionRow;
  readonly answer: Answer;
  /** From the question to the answer, or to the end of waiting; 0 where it had been heard within the last second. */
  readonly elapsedMs: number;
}

/** What asking came to. */
export interface CheckResult {
  readonly peers: readonly CheckedPeer[];
  /** The peers that could not be asked, and what else is missing, and why. */
  readonly incomplete: readonly Incomplete[];
}

/** A connection that was to be closed. */
export interface ReapedPeer {
  readonly row: ConnectionRow;
  /** `'destroyed'`: at once; `'expiring'`: by the kernel's own keepalive, within 2 s; `'gone'`: it had ended before. */
  readonly outcome: 'destroyed' | 'expiring' | 'gone' | 'failed';
  /** Why it failed. */
  readonly error?: string;
}

/** The states in which a peer can be asked: the connection is open at least one way. */
const askable = new Set(['ESTABLISHED', 'FIN_WAIT1', 'FIN_WAIT2', 'CLOSE_WAIT', 'LAST_ACK', 'CLOSING']);

async function askShare(chosen: ChosenSource, { namespace, items }: Share<ConnectionRow>, timeoutMs: number) {
  const rowOf = new Map(items.map((row) => [row.connection.cookie, row]));
  const { source } = chosen;
  if (source === undefined) return { peers: [], incomplete: chosen.refused };
  const { answers, incomplete } = await askPeers({
    connections: items.map(({ connection }) => connection),
    reference: ({ cookie }) => {
      const row = rowOf.get(cookie) as ConnectionRow;
      return referenceTo(row.connection, row.owners);
    },
    look: () => {
      const { connections } = within(namespace, () => dumpConnections({ info: true }));
      return new Map(connections.map((connection) => [connection.cookie, connection]));
    },
    options: sourceWithin(source, namespace),
    timeoutMs,
  });
  const peers = answers.map(({ connection, answer, elapsedMs }: PeerAnswer) => ({
    row: rowOf.get(connection.cookie) as ConnectionRow,
    answer,
    elapsedMs,
  }));
  return { peers, incomplete };
}

/**
 * Asks the peer of each selected connection for a sign of life, now.
 *
 * A silent peer has been asked up to three times within `timeoutMs` (2000 unless stated); one probe of its connection's
 * own count is left, unless that is 1. Options are as before when it returns. `'reset'` is a connection that was gone at
 * the next look, whatever ended it. Needs CAP_BPF and CAP_PERFMON (Linux 6.1), or the processes' own user, or
 * CAP_SYS_PTRACE (Linux 5.6); peers that could not be asked are counted in `incomplete`.
 *
 * Linux.
 *
 * @throws {UnsupportedError} elsewhere, and where the kernel has no inet_diag; {@link SystemCallError} as the kernel
 * refuses the list.
 */
export async function checkPeers(query: ListQuery, timeoutMs = 2000): Promise<CheckResult> {
  using chosen = chooseOptionSource();
  const listing = listThrough(chosen, query);
  const rows = listing.rows.filter(({ connection }) => askable.has(connection.state));
  const shares = byNamespace(rows, ({ connection }) => connection);
  const results = await Promise.all(shares.map((share) => askShare(chosen, share, timeoutMs)));
  return {
    peers: results.flatMap(({ peers }) => peers),
    incomplete: [...listing.incomplete, ...results.flatMap(({ incomplete }) => incomplete)],
  };
}

/** With these the kernel finds a peer dead that has been silent: at its next probe's turn, a second from now. */
const expiring = { enabled: true, idle: 1000, interval: 1000, count: 1, userTimeout: 0 };

function lacksPrivilege(error: SystemCallError | UnsupportedError | undefined): boolean {
  return error instanceof UnsupportedError || error?.code === 'EPERM';
}

/** Has the kernel's own keepalive end connections that may not be destroyed. */
function expire(rows: readonly ConnectionRow[]): ReapedPeer[] {
  using chosen = chooseOptionSource();
  const { failed } = makeChanges(
    chosen,
    rows.map((row) => ({ row, wanted: expiring })),
  );
  const errors = new Map(failed.map(({ connection, error }) => [connection.cookie, error]));
  return rows.map((row) => {
    const error = errors.get(row.connection.cookie);
    return error === undefined ? { row, outcome: 'expiring' } : { row, outcome: 'failed', error };
  });
}

/**
 * Closes connections whose peers are dead, whatever process has them: at once (SOCK_DESTROY, which needs CAP_NET_ADMIN;
 * the owner gets ECONNABORTED), or where that is not permitted through the kernel's own keepalive, within 2 s (the owner
 * gets ETIMEDOUT, and a peer that answers after all is kept). The rows come from {@link checkPeers} or a listing; whether
 * the peer is dead is not asked again.
 *
 * Linux; at once since 4.5, with CONFIG_INET_DIAG_DESTROY.
 *
 * @returns what became of each, in any order; a failure is in the result, not thrown.
 * @throws {UnsupportedError} elsewhere; {@link SystemCallError} as the kernel refuses a network namespace or netlink.
 */
export function reapPeers(rows: readonly ConnectionRow[]): ReapedPeer[] {
  const reaped: ReapedPeer[] = [];
  const refused: ConnectionRow[] = [];
  for (const { namespace, items } of byNamespace(rows, ({ connection }) => connection)) {
    const results = within(namespace, () => destroyConnections(items.map(({ connection }) => connection)));
    results.forEach(({ outcome, error }, index) => {
      const row = items[index] as ConnectionRow;
      if (outcome === 'failed' && lacksPrivilege(error)) refused.push(row);
      else reaped.push({ row, outcome, ...(error === undefined ? {} : { error: error.message }) });
    });
  }
  return refused.length === 0 ? reaped : [...reaped, ...expire(refused)];
}
