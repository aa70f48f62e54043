import { SystemCallError } from '../native/index.js';
import { type ProbeOptions, probeTimeout } from '../socket/probe-options.js';
import type { Incomplete } from './connection.js';
import { liveStates } from './dump.js';
import { isWorker, laterFromWorker } from './from-worker.js';
import { type Answer, askPeers, type PeerAnswer } from './interview.js';
import { type ListQuery, listThrough, referenceTo } from './listing.js';
import { lookAt } from './look.js';
import { byNamespace, type Share } from './namespace-of.js';
import { type ChosenSource, chooseOptionSource } from './options/choice.js';
import { sourceWithin } from './options/within.js';
import type { ConnectionRow } from './row.js';

/** A connection and what its peer answered. */
export interface CheckedPeer {
  readonly row: ConnectionRow;
  readonly answer: Answer;
  /** From the question to the answer, or to the end of waiting. */
  readonly elapsedMs: number;
  /** When the check began (`performance.now()`). */
  readonly askedAt: number;
}

/** What asking came to. */
export interface CheckResult {
  readonly peers: readonly CheckedPeer[];
  /** The peers that could not be asked, and what else is missing, and why. */
  readonly incomplete: readonly Incomplete[];
}

/** The states in which a peer can be asked: the connection is open at least one way. */
const askable = new Set(['ESTABLISHED', 'FIN_WAIT1', 'FIN_WAIT2', 'CLOSE_WAIT', 'LAST_ACK', 'CLOSING']);

/** Where connections may be found after they were asked. */
const states = [...liveStates, 'TIME_WAIT'] as const;

/** What is missing of the peers of several connections. */
function missing(count: number, why: string): Incomplete {
  return { what: `the answers of the peers of ${count} connections`, why };
}

/** As {@link askThere}; a namespace that cannot be entered any more costs its own peers only. */
async function askShare(chosen: ChosenSource, share: Share<ConnectionRow>, timeoutMs: number) {
  try {
    return await askThere(chosen, share, timeoutMs);
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    return { peers: [], incomplete: [missing(share.items.length, error.message)] };
  }
}

async function askThere(chosen: ChosenSource, { namespace, items }: Share<ConnectionRow>, timeoutMs: number) {
  const rowOf = new Map(items.map((row) => [row.connection.cookie, row]));
  const { source } = chosen;
  if (source === undefined) return { peers: [], incomplete: chosen.refused };
  const askedAt = performance.now();
  const { answers, incomplete } = await askPeers({
    connections: items.map(({ connection }) => connection),
    reference: ({ cookie }) => {
      const row = rowOf.get(cookie) as ConnectionRow;
      return referenceTo(row.connection, row.owners);
    },
    look: (connections) => lookAt(connections, namespace, states),
    options: sourceWithin(source, namespace),
    timeoutMs,
  });
  const peers = answers.map(({ connection, answer, elapsedMs }: PeerAnswer) => ({
    row: rowOf.get(connection.cookie) as ConnectionRow,
    answer,
    elapsedMs,
    askedAt,
  }));
  return { peers, incomplete };
}

/**
 * Asks the peer of each selected connection for a sign of life, now.
 *
 * A silent peer has been asked up to three times within `timeout` (2 s unless stated). Options are as before when it
 * returns. `'reset'` is a connection that was gone at the next looks, whatever ended it. Needs the processes'
 * own user, or CAP_SYS_PTRACE (Linux 5.6), or CAP_BPF and CAP_PERFMON (Linux 6.1 that is free of CVE-2026-74714); peers
 * that could not be asked are counted in `incomplete`.
 *
 * Linux.
 *
 * @throws {ConfigurationError} for a timeout that is none.
 * @throws {UnsupportedError} elsewhere, and where the kernel has no inet_diag; {@link SystemCallError} as the kernel
 * refuses the list.
 */
export async function checkPeers(query: ListQuery, options: ProbeOptions = {}): Promise<CheckResult> {
  const timeoutMs = probeTimeout('checkPeers', options);
  if (isWorker()) return laterFromWorker('checkPeers', [query, options]);
  using chosen = chooseOptionSource(query.optionSource);
  const listing = listThrough(chosen, query);
  const rows = listing.rows.filter(({ connection }) => askable.has(connection.state));
  const { shares, gone } = byNamespace(rows, ({ connection }) => connection);
  const results = await Promise.all(shares.map((share) => askShare(chosen, share, timeoutMs)));
  return {
    peers: results.flatMap(({ peers }) => peers),
    incomplete: [
      ...listing.incomplete,
      ...results.flatMap(({ incomplete }) => incomplete),
      ...(gone.length === 0 ? [] : [missing(gone.length, 'their network namespaces are gone')]),
    ],
  };
}
