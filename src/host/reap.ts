import { setTimeout as sleep } from 'node:timers/promises';
import { SystemCallError, UnsupportedError } from '../native/index.js';
import type { CheckedPeer } from './check.js';
import type { HostConnection } from './connection.js';
import { destroyConnections } from './destroy.js';
import { liveStates } from './dump.js';
import { isWorker, laterFromWorker } from './from-worker.js';
import { HeldSignals } from './held-signals.js';
import type { ListQuery } from './listing.js';
import { type Look, lookAt } from './look.js';
import { byNamespace, type Share } from './namespace-of.js';
import { within } from './network-namespaces.js';
import { chooseOptionSource } from './options/choice.js';
import { type ConnectionRow, lastHeardMs } from './row.js';
import { makeChanges } from './set.js';

/** A connection that was to be closed. */
export interface ReapedPeer {
  readonly row: ConnectionRow;
  /**
   * `'destroyed'`: at once; `'expired'`: by the kernel's own keepalive; `'gone'`: it had ended before; `'answered'`: the
   * peer was heard meanwhile, and the connection left as it was.
   */
  readonly outcome: 'destroyed' | 'expired' | 'gone' | 'answered' | 'failed';
  readonly error?: string;
}

/**
 * With these the kernel finds a silent peer dead: at once where a probe is unanswered, else a second after the next, and
 * with data in flight at the next retransmission.
 */
const expiring = { enabled: true, idle: 1000, interval: 1000, count: 1, userTimeout: 1000 };

/** A probe, a second of waiting and the lateness of kernel timers. */
const expiryTakesMs = 2500;

const lookEveryMs = 50;

const look = ({ namespace, items }: Share<CheckedPeer>): Look =>
  lookAt(
    items.map(({ row }) => row.connection),
    namespace,
    liveStates,
  );

/** What a look says of a peer that was silent: `undefined` as long as it still is. */
function whatBecameOf({ row, askedAt }: CheckedPeer, seen: Look): 'gone' | 'answered' | undefined {
  const now = seen.get(row.connection.cookie);
  if (now === undefined) return 'gone';
  const heardMs = lastHeardMs(now);
  return heardMs !== null && heardMs < performance.now() - askedAt ? 'answered' : undefined;
}

/** Why a connection could not be destroyed that the kernel's keepalive may still end. */
function lacksPrivilege(error: SystemCallError | UnsupportedError | undefined): boolean {
  return error instanceof UnsupportedError || error?.code === 'EPERM';
}

/** Has an action on a share of peers that cannot be done at all be the outcome of each that has none yet. */
function failEach<Result>(share: Share<CheckedPeer>, reaped: ReapedPeer[], action: () => Result): Result | undefined {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof SystemCallError || error instanceof UnsupportedError)) throw error;
    const done = new Set(reaped.map(({ row }) => row));
    for (const { row } of share.items) {
      if (!done.has(row)) reaped.push({ row, outcome: 'failed', error: error.message });
    }
    return undefined;
  }
}

/** Closes what is still silent at once; gives those for which that is not permitted. */
function destroySilent(share: Share<CheckedPeer>, reaped: ReapedPeer[]): CheckedPeer[] {
  const seen = look(share);
  const silent: CheckedPeer[] = [];
  for (const peer of share.items) {
    const outcome = whatBecameOf(peer, seen);
    if (outcome === undefined) silent.push(peer);
    else reaped.push({ row: peer.row, outcome });
  }
  const results = within(share.namespace, () => destroyConnections(silent.map(({ row }) => row.connection)));
  return silent.filter(({ row }, index) => {
    const { outcome, error } = results[index] ?? { outcome: 'gone' };
    if (outcome === 'failed' && lacksPrivilege(error)) return true;
    reaped.push({ row, outcome, ...(error === undefined ? {} : { error: error.message }) });
    return false;
  });
}

/** Why the kernel's keepalive did not end a connection. */
function whyNotExpired(now: HostConnection | undefined): string {
  if (now?.timer?.kind !== 'retransmission') return 'the kernel has not found the peer dead';
  return `data is in flight, and its next retransmission is ${Math.ceil(now.timer.expiresMs / 1000)} s away`;
}

/** What has become of a connection that was about to expire; `undefined` while that is open. */
function resultOf(peer: CheckedPeer, seen: Look, isOver: boolean): ReapedPeer | undefined {
  const { row } = peer;
  const became = whatBecameOf(peer, seen);
  if (became === 'gone') return { row, outcome: 'expired' };
  if (became === 'answered') return { row, outcome: 'answered' };
  if (!isOver) return undefined;
  return { row, outcome: 'failed', error: whyNotExpired(seen.get(row.connection.cookie)) };
}

/** Waits for what becomes of connections that are about to expire. */
async function awaitExpiry(share: Share<CheckedPeer>, signals: HeldSignals, reaped: ReapedPeer[]): Promise<void> {
  const waiting = new Set(share.items);
  const deadline = performance.now() + expiryTakesMs;
  while (waiting.size > 0) {
    await sleep(lookEveryMs);
    const asked = { ...share, items: [...waiting] };
    const seen = failEach(asked, reaped, () => look(asked));
    if (seen === undefined) return;
    const isOver = performance.now() >= deadline || signals.isAskedToStop;
    for (const peer of waiting) {
      const result = resultOf(peer, seen, isOver);
      if (result === undefined) continue;
      waiting.delete(peer);
      reaped.push(result);
    }
  }
}

/** Has the kernel's own keepalive end connections, and puts the options back of those that it did not end. */
async function expire(
  share: Share<CheckedPeer>,
  optionSource: ListQuery['optionSource'],
  reaped: ReapedPeer[],
): Promise<void> {
  if (share.items.length === 0) return;
  using signals = new HeldSignals();
  using chosen = chooseOptionSource(optionSource);
  const rowOf = new Map(share.items.map(({ row }) => [row.connection, row]));
  const { changed, failed } = makeChanges(
    chosen,
    [...rowOf.values()].map((row) => ({ row, wanted: expiring })),
  );
  for (const { connection, error } of failed) {
    reaped.push({ row: rowOf.get(connection) as ConnectionRow, outcome: 'failed', error });
  }
  const hasChanged = new Set(changed.map(({ connection }) => connection));
  const items = share.items.filter(({ row }) => hasChanged.has(row.connection));
  try {
    await awaitExpiry({ ...share, items }, signals, reaped);
  } finally {
    // It fails for those that have ended.
    makeChanges(
      chosen,
      changed.map(({ connection, before }) => ({ row: rowOf.get(connection) as ConnectionRow, wanted: before })),
    );
  }
}

/**
 * Closes connections whose peers were silent, and still are, whatever process has them: at once (SOCK_DESTROY, which
 * needs CAP_NET_ADMIN; the owner gets ECONNABORTED), or where that is not permitted through the kernel's own keepalive,
 * within 2.5 s (the owner gets ETIMEDOUT).
 *
 * A peer that was heard since it was asked keeps its connection and its options. What cannot be closed is `'failed'`.
 *
 * Linux.
 *
 * @throws {UnsupportedError} elsewhere.
 */
export async function reapPeers(
  peers: readonly CheckedPeer[],
  { optionSource }: Pick<ListQuery, 'optionSource'> = {},
): Promise<ReapedPeer[]> {
  if (isWorker()) return laterFromWorker('reapPeers', [peers, { optionSource }]);
  const reaped: ReapedPeer[] = [];
  const { shares: all, gone } = byNamespace(peers, ({ row }) => row.connection);
  for (const { row } of gone) reaped.push({ row, outcome: 'gone' });
  const shares = all.map((share) => ({
    ...share,
    items: failEach(share, reaped, () => destroySilent(share, reaped)) ?? [],
  }));
  await Promise.all(shares.map((share) => expire(share, optionSource, reaped)));
  return reaped;
}
