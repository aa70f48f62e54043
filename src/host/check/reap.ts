import { SystemCallError, UnsupportedError } from '../../native/errors.js';
import { nowMs } from '../../node/real-time.js';
import { ConfigurationError } from '../../policy/configuration-error.js';
import { OptionsCheck } from '../../policy/options-check.js';
import { assertSignal, untilAborted } from '../../socket/abort-signal.js';
import { destroyConnections } from '../dump/destroy.js';
import { liveStates } from '../dump/dump.js';
import { type Refreshed, refresh } from '../dump/refresh.js';
import { isWorker, laterFromWorker } from '../from-worker.js';
import { referenceTo } from '../list/listing.js';
import { type ConnectionRow, lastHeardMs } from '../list/row.js';
import { groupByNamespace, type NamespaceGroup } from '../namespaces/group-by-namespace.js';
import { within } from '../namespaces/network-namespaces.js';
import type { CheckedPeer } from './check.js';
import { askPeers, type PeerAnswer } from './check-prober.js';
import { DeferredSignals } from './deferred-signals.js';
import { type Expiry, forceExpiry } from './forced-expiry.js';

/** A connection that was to be closed. */
export interface ReapedPeer {
  readonly row: ConnectionRow;
  /**
   * `'destroyed'`: at once; `'expired'`: by the kernel's own keepalive; `'gone'`: it had ended before; `'answered'`: the
   * peer was heard meanwhile, and the connection left as it was; `'unconfirmed'`: left as it was, because only a segment
   * from beside it found the peer silent and its own kernel could not ask.
   */
  readonly outcome: 'destroyed' | 'expired' | 'gone' | 'answered' | 'unconfirmed' | 'failed';
  /** Why the connection was not closed. */
  readonly error?: string;
}

/** Which connections may be closed. */
export interface ReapOptions {
  /** Whether connections whose own kernel could not ask the peer are closed too. Default: false. */
  readonly unconfirmed?: boolean;
  /**
   * Ends reaping before a connection is closed: the promise is rejected with the signal's reason. Connections of another
   * network namespace may have been closed already, and in a worker thread those of this one.
   */
  readonly signal?: AbortSignal | undefined;
}

/** How long the connections' own kernel waits for an answer. */
const confirmingMs = 2000;

const sinceAsked = ({ askedAt }: CheckedPeer) => nowMs() - askedAt;

/** Returns what has become of a silent peer; undefined if the peer is still silent. */
function whatBecameOf(peer: CheckedPeer, seen: Refreshed): 'gone' | 'answered' | undefined {
  const now = seen.get(peer.row.connection.cookie);
  if (now === undefined) return 'gone';
  const heardMs = lastHeardMs(now);
  return heardMs !== null && heardMs < sinceAsked(peer) ? 'answered' : undefined;
}

/** Returns why a connection could not be destroyed that the kernel's keepalive may still end. */
function lacksPrivilege(error: SystemCallError | UnsupportedError | undefined): boolean {
  return error instanceof UnsupportedError || error?.code === 'EPERM';
}

/** The connections of one namespace to close, and the results. */
class Reaping {
  readonly #share: NamespaceGroup<CheckedPeer>;
  readonly #signal: AbortSignal | undefined;
  readonly #waiting: Set<CheckedPeer>;
  readonly reaped: ReapedPeer[] = [];

  constructor(share: NamespaceGroup<CheckedPeer>, signal: AbortSignal | undefined) {
    this.#share = share;
    this.#signal = signal;
    this.#waiting = new Set(share.items);
  }

  async run(unconfirmed: boolean): Promise<ReapedPeer[]> {
    try {
      this.#leaveHeard();
      if (!unconfirmed) await this.#confirm();
      this.#leaveHeard();
      this.#destroy();
      await this.#expire();
    } catch (error) {
      if (this.#signal?.aborted) throw error;
      if (!(error instanceof SystemCallError || error instanceof UnsupportedError)) throw error;
      for (const peer of this.#waiting) this.#settle(peer, 'failed', error.message);
    }
    return this.reaped;
  }

  #settle(peer: CheckedPeer, outcome: ReapedPeer['outcome'], error?: string): void {
    this.reaped.push({ row: peer.row, outcome, ...(error === undefined ? {} : { error }) });
    this.#waiting.delete(peer);
  }

  #refresh(): Refreshed {
    const connections = Array.from(this.#waiting, ({ row }) => row.connection);
    return refresh(connections, this.#share.namespace, liveStates);
  }

  #leaveHeard(): void {
    const seen = this.#refresh();
    for (const peer of this.#waiting) {
      const outcome = whatBecameOf(peer, seen);
      if (outcome !== undefined) this.#settle(peer, outcome);
    }
  }

  /** Makes the connections' own kernel ask the peers that were only asked from beside. */
  async #confirm(): Promise<void> {
    const doubtful = new Map(
      [...this.#waiting].filter(({ asked }) => asked === 'segment').map((peer) => [peer.row, peer]),
    );
    if (doubtful.size === 0) return;
    const answers = await askPeers({
      rows: [...doubtful.keys()],
      refresh: (connections) => refresh(connections, this.#share.namespace, [...liveStates, 'TIME_WAIT']),
      prober: undefined,
      timeoutMs: confirmingMs,
      signal: this.#signal,
    });
    for (const answer of answers) this.#takeIn(doubtful.get(answer.row) as CheckedPeer, answer);
  }

  #takeIn(peer: CheckedPeer, { answer, why }: PeerAnswer): void {
    if (answer === 'alive') this.#settle(peer, 'answered');
    else if (answer === 'reset') this.#settle(peer, 'gone');
    else if (answer === 'not-asked') this.#settle(peer, 'unconfirmed', why);
  }

  #destroy(): void {
    const peers = [...this.#waiting];
    const results = within(this.#share.namespace, () => destroyConnections(peers.map(({ row }) => row.connection)));
    for (const [index, peer] of peers.entries()) {
      const { outcome, error } = results[index] ?? { outcome: 'gone' };
      if (outcome !== 'failed' || !lacksPrivilege(error)) this.#settle(peer, outcome, error?.message);
    }
  }

  /** Makes the kernel's own keepalive end the connections that may not be destroyed. */
  async #expire(): Promise<void> {
    if (this.#waiting.size === 0) return;
    await using _signals = new DeferredSignals();
    const seen = this.#refresh();
    for (const peer of this.#waiting) {
      const { outcome, error } = this.#expireOne(peer, seen);
      this.#settle(peer, outcome, error);
    }
  }

  #expireOne(peer: CheckedPeer, seen: Refreshed): Expiry {
    const { connection, owners } = peer.row;
    const timer = seen.get(connection.cookie)?.timer;
    return forceExpiry({
      socket: referenceTo(connection, owners),
      silentMs: sinceAsked(peer),
      retransmissionMs: timer?.kind === 'retransmission' ? timer.expiresMs : undefined,
    });
  }
}

/**
 * Closes connections whose peers were silent, and still are, whatever process has them: at once (SOCK_DESTROY, which
 * needs CAP_NET_ADMIN; the owner gets ECONNABORTED), or, if that is not permitted, through the kernel's own keepalive (the
 * owner gets ETIMEDOUT).
 *
 * A peer that only a segment from beside its connection found silent is asked once more by the connection's own kernel,
 * which takes 2 s. If that could harm the connection or is not possible, the connection is left open: `'unconfirmed'`. A peer
 * that was heard since it was asked keeps its connection and its options. A connection that cannot be closed is `'failed'`.
 *
 * Linux.
 *
 * @example
 * const { peers } = await checkPeers({ selection: parseSelection({ port: '5432' }) });
 * await reapPeers(peers.filter(({ answer }) => answer === 'silent'));
 * @throws {ConfigurationError} if `peers` are not silent peers of a check, or an option is wrong.
 * @throws {TypeError} ERR_INVALID_ARG_TYPE if `signal` is not an AbortSignal.
 * @throws {UnsupportedError} on other platforms.
 */
export async function reapPeers(peers: readonly CheckedPeer[], options: ReapOptions = {}): Promise<ReapedPeer[]> {
  assertSilentPeers(peers);
  new OptionsCheck('reapPeers', options, ['unconfirmed', 'signal']).booleans('unconfirmed');
  const { unconfirmed = false, signal } = options;
  assertSignal('reapPeers', signal);
  signal?.throwIfAborted();
  if (isWorker()) return untilAborted(laterFromWorker('reapPeers', [peers, { unconfirmed }]), signal);
  const { shares, gone } = groupByNamespace(peers, ({ row }) => row.connection);
  const reaped = await Promise.all(shares.map((share) => new Reaping(share, signal).run(unconfirmed)));
  return [...gone.map(({ row }): ReapedPeer => ({ row, outcome: 'gone' })), ...reaped.flat()];
}

/** Refuses the result of a check and peers that answered: a peer that was not asked could be closed for its silence. */
function assertSilentPeers(given: unknown): void {
  const isSilent = (peer: unknown) => {
    const { row, answer, askedAt } = (peer ?? {}) as Partial<CheckedPeer>;
    return row?.connection !== undefined && answer === 'silent' && typeof askedAt === 'number';
  };
  if (Array.isArray(given) && given.every(isSilent)) return;
  const allowed = "the silent peers of a check, such as result.peers.filter(({ answer }) => answer === 'silent')";
  throw new ConfigurationError('reapPeers', 'peers', given, allowed);
}
