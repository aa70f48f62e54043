import { SystemCallError } from '../../native/errors.js';
import { nowMs } from '../../node/real-time.js';
import { assertSignal, untilAborted } from '../../socket/abort-signal.js';
import { type ProbeOptions, probeTimeout } from '../../socket/probe/probe-options.js';
import { liveStates } from '../dump/dump.js';
import { refresh } from '../dump/refresh.js';
import { isWorker, laterFromWorker } from '../from-worker.js';
import type { Omission } from '../list/connection.js';
import { assertListQuery, type ListQuery } from '../list/list-query.js';
import { listThrough } from '../list/listing.js';
import type { NotJudged } from '../list/not-judged.js';
import { type ConnectionRow, isOrphan } from '../list/row.js';
import { groupByNamespace, type NamespaceGroup } from '../namespaces/group-by-namespace.js';
import { chooseOptionSource } from '../options/choice.js';
import { askPeers, type Inquiry, type PeerAnswer } from './check-prober.js';
import { permittedSegmentStates, SegmentProber } from './segment-prober.js';
import type { SegmentStates } from './segment-states.js';

/** A connection and the answer of its peer. */
export interface CheckedPeer extends PeerAnswer {
  /** When the check began (`performance.now()`). */
  readonly askedAt: number;
}

/** How peers are asked. */
export interface CheckOptions extends ProbeOptions {
  /** Ends the check: within about 50 ms everything is restored, and the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The result of a check. */
export interface CheckResult {
  /** Every selected connection that has a peer. */
  readonly peers: readonly CheckedPeer[];
  /** How many connections are orphans: their programs have closed them. Orphans are not asked. */
  readonly orphans: number;
  /** Connections that the selection may mean, but that could not be matched with it. */
  readonly undecided: NotJudged;
  /** Whether every connection was listed; false if a namespace could not be entered, for example. */
  readonly isWhole: boolean;
  /** Facts that could not be read, and why. */
  readonly incomplete: readonly Omission[];
}

/** The states in which a peer can be asked: the connection is open at least one way. */
const askable = new Set(['ESTABLISHED', 'FIN_WAIT1', 'FIN_WAIT2', 'CLOSE_WAIT', 'LAST_ACK', 'CLOSING']);

/** The states that connections may be in after they were asked. */
const states = [...liveStates, 'TIME_WAIT'] as const;

/** Like {@link askPeers}, but reports a namespace that can no longer be entered for its own peers instead of throwing. */
async function askShare(
  { namespace, items }: NamespaceGroup<ConnectionRow>,
  segmentStates: SegmentStates | undefined,
  waiting: Pick<Inquiry, 'timeoutMs' | 'signal'>,
): Promise<CheckedPeer[]> {
  const askedAt = nowMs();
  try {
    using prober = segmentStates && new SegmentProber(segmentStates, namespace);
    const answers = await askPeers({
      rows: items,
      refresh: (connections) => refresh(connections, namespace, states),
      prober,
      ...waiting,
    });
    return answers.map((answer) => ({ ...answer, askedAt }));
  } catch (error) {
    if (waiting.signal?.aborted || !(error instanceof SystemCallError)) throw error;
    return items.map((row) => notAsked(row, error.message, askedAt));
  }
}

function notAsked(row: ConnectionRow, why: string, askedAt: number): CheckedPeer {
  return { row, answer: 'not-asked', elapsedMs: 0, why, remedy: 'check again', askedAt };
}

/**
 * Asks the peer of each selected connection for a sign of life, now.
 *
 * A silent peer has been asked up to three times within `timeout` (default: 2 s): by a segment sent from beside its
 * connection, or else by a probe of the connection's own kernel. The segment changes nothing on the connection, and needs
 * CAP_NET_RAW, CAP_BPF and CAP_PERFMON. The probe sets TCP_KEEPIDLE to 1 s for at most 50 ms, and needs the processes' own
 * user or CAP_SYS_PTRACE (Linux 5.6). A peer is `'not-asked'` if it could not be reached, or if an unanswered probe could
 * end its connection; `why` has the reason. A peer is `'reset'` if its connection has ended since, whatever ended it.
 *
 * Blocks the thread while it lists, and for at most 50 ms at a time while kernels probe. Linux.
 *
 * @example
 * const { peers } = await checkPeers({ selection: parseSelection({ port: '5432' }) }, { timeout: '2s' });
 * @throws {ConfigurationError} if a name or value in the query is wrong, or `timeout` is not a positive duration.
 * @throws {SelectionError} if a value of a filter is wrong.
 * @throws {TypeError} ERR_INVALID_ARG_TYPE if `signal` is not an AbortSignal.
 * @throws {UnsupportedError} on other platforms, and if the kernel has no inet_diag.
 * @throws {SystemCallError} if the kernel refuses the list.
 */
export async function checkPeers(query: ListQuery, options: CheckOptions = {}): Promise<CheckResult> {
  assertListQuery('checkPeers', query);
  const timeoutMs = probeTimeout('checkPeers', options, ['signal']);
  const { signal, ...timing } = options;
  assertSignal('checkPeers', signal);
  signal?.throwIfAborted();
  if (isWorker()) return untilAborted(laterFromWorker('checkPeers', [query, timing]), signal);
  using chosen = chooseOptionSource(query.optionSource);
  const listing = listThrough(chosen, { ...query, findMissed: true });
  const all = listing.rows.filter(({ connection }) => askable.has(connection.state));
  const rows = all.filter(({ connection }) => !isOrphan(connection));
  const { shares, gone } = groupByNamespace(rows, ({ connection }) => connection);
  const segmentStates = rows.length === 0 ? undefined : permittedSegmentStates();
  const answers = await Promise.all(shares.map((share) => askShare(share, segmentStates, { timeoutMs, signal })));
  const now = nowMs();
  return {
    peers: [...answers.flat(), ...gone.map((row) => notAsked(row, 'its network namespace is gone', now))],
    orphans: all.length - rows.length,
    undecided: listing.undecided,
    isWhole: listing.isWhole,
    incomplete: listing.incomplete,
  };
}
