import { channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import type net from 'node:net';
import { abortOnClose, takeSocketError } from '../../native/socket/abort-on-close.js';
import { quietly } from '../../node/guarded.js';
import { throwUncaught } from '../../node/real-time.js';
import type { Diagnosis } from '../../peer/diagnosis.js';
import type { Snapshot } from '../../peer/snapshot.js';
import { explicitPolicy } from '../../socket/explicit-policy.js';
import type { KeepAliveTarget } from '../../socket/target.js';
import { ConnectingSockets } from './connecting-sockets.js';
import { DeadPeerError } from './ending/dead-peer-error.js';
import { canStillRead, destroyLater } from './ending/destroy-later.js';
import { rememberDead } from './ending/end-of-socket.js';
import { type Ending, endingOfDestroyed, endingOfUnread, errorOfEnded, noteLastSnapshot } from './ending/ending.js';
import { forgetEnd, rememberEnd } from './ending/explain-death.js';
import { lastSnapshotOf, rememberSnapshot } from './ending/last-snapshot.js';
import { EndCounts, type WatchStatus } from './ending/watch-status.js';
import { EventIterator, type PeerEventIterator } from './event-iterator.js';
import { describeLost, describePeer, snapshotToKeep } from './event-payload.js';
import type { PeerEvent, PeerEventName, PeerWatchEvents } from './events.js';
import { type Findings, Monitor, type WatchRules } from './monitor.js';
import {
  bottomHandleOf,
  isAbove,
  setUnlessSet,
  type WatchedConnection,
  watchableSocket,
  watchedOn,
} from './watched-connection.js';

const names: readonly PeerEventName[] = ['suspect', 'recovered', 'stalled', 'closed', 'dead'];
const channels = new Map(names.map((name) => [name, channel(`tcp-keepalive:peer:${name}`)]));

/**
 * Watches the peers of connections. Reports events to listeners, to async iterators, and on the diagnostics channels
 * `tcp-keepalive:peer:suspect`, `:recovered`, `:stalled`, `:closed` and `:dead`.
 *
 * Keeps neither the process alive nor a socket from being collected. A connection that ends or is given up leaves the watch.
 */
export class PeerWatch extends EventEmitter<PeerWatchEvents> implements AsyncIterable<PeerEvent>, Disposable {
  readonly #rules: WatchRules;
  readonly #watched = new WeakMap<net.Socket, WatchedConnection>();
  readonly #connecting: ConnectingSockets;
  readonly #monitor: Monitor;
  readonly #ends = new Set<() => void>();
  readonly #iterators = new Set<EventIterator>();
  readonly #ended = new EndCounts();
  #dropped = 0;
  #isClosed = false;

  /** @internal */
  constructor(rules: WatchRules) {
    super();
    this.#rules = rules;
    this.#monitor = new Monitor(rules, this.#findings());
    const given = new WeakSet<net.Socket>();
    const opened = (socket: net.Socket) => {
      // The program's own policy comes first. A socket may connect again and again.
      if (explicitPolicy(socket) !== undefined && !given.has(socket)) return;
      given.add(socket);
      this.#setPolicy(socket);
    };
    this.#connecting = new ConnectingSockets({ opened, connected: (socket) => this.#begin(socket) }, rules.all);
  }

  /** Returns how many connections are watched. Sockets that are still connecting are not counted. */
  get size(): number {
    return this.#monitor.size;
  }

  /** Returns how many events the iterators of this watch have dropped, because more than `highWaterMark` waited in one. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Counts the connections that are watched now, by the state of their peers, and the connections that have ended, by reason.
   * A closed watch keeps its counts.
   *
   * @example
   * const { watched, suspect, deaths } = watch.status();
   */
  status(): WatchStatus {
    return { watched: this.size, ...this.#monitor.unwell(), ...this.#ended.counts() };
  }

  /**
   * Watches one more connection. A connecting socket is watched once it has a TCP connection. A socket that is watched
   * already stays watched; TLS and the socket below it are one connection.
   *
   * @example
   * watch.add(socket).add(response);
   *
   * @throws {TypeError} ERR_INVALID_ARG_TYPE if `target` is no socket and rides on none.
   * @throws {SystemCallError} EBADF if the socket was destroyed, ENOTCONN if `target` is a server.
   * @throws {UnsupportedError} if `target` is a unix-domain socket, and on other platforms than Linux.
   */
  add(target: KeepAliveTarget): this {
    const socket = watchableSocket(target);
    if (this.#isClosed || this.#watched.has(socket)) return this;
    if (socket.pending) this.#connecting.add(socket);
    else this.#adopt(socket);
    return this;
  }

  /** Returns whether a connection is watched. Returns false while the socket is connecting. */
  has(socket: net.Socket): boolean {
    return this.#watched.has(socket);
  }

  /** @internal */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Returns whether a connection will be watched once it is connected.
   *
   * @internal
   */
  isAwaited(socket: net.Socket): boolean {
    return this.#connecting.has(socket);
  }

  /** Stops watching a connection. Returns whether the connection was watched, or was waited for. */
  delete(socket: net.Socket): boolean {
    const watched = this.#watched.get(socket);
    if (watched === undefined) return this.#connecting.delete(socket);
    this.#leave(watched);
    return true;
  }

  /** Ends the watch and its iterators. No event follows. Options of `deadWithin` are replaced by the program's own. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connecting.close();
    for (const watched of this.#monitor.close()) this.#leave(watched);
    for (const end of this.#ends) end();
    this.#ends.clear();
    for (const iterator of this.#iterators) iterator.end();
    this.#iterators.clear();
  }

  /** Calls {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Yields each event from now on, until the watch is closed. Drops the oldest event if more than `highWaterMark` wait.
   *
   * @example
   * for await (const { type, remote } of watch) console.log(type, remote?.address);
   */
  [Symbol.asyncIterator](): PeerEventIterator {
    const iterator = new EventIterator(this.#rules.highWaterMark, (events) => this.#iterators.delete(events));
    if (this.#isClosed) iterator.end();
    else this.#iterators.add(iterator);
    return iterator;
  }

  /**
   * Calls a function when the watch is closed.
   *
   * @internal
   */
  onClose(end: () => void): void {
    this.#ends.add(end);
  }

  /** Watches an open connection. A connection that was pending got the policy when it was opened. */
  #adopt(socket: net.Socket): void {
    const handle = bottomHandleOf(socket);
    if (handle === undefined || this.#monitor.on(handle) === undefined) this.#setPolicy(socket);
    this.#begin(socket);
  }

  #setPolicy(socket: net.Socket): void {
    if (this.#rules.policy !== undefined) setUnlessSet(socket, this.#rules.policy);
  }

  #begin(socket: net.Socket): void {
    if (this.#isClosed || socket.destroyed || this.#watched.has(socket)) return;
    const handle = bottomHandleOf(socket);
    const before = handle && this.#monitor.on(handle);
    const watched = before ?? watchedOn(socket);
    if (before !== undefined) {
      if (!isAbove(socket, before.socket)) return;
      this.#watched.delete(before.socket);
      before.socket = socket;
    }
    this.#watched.set(socket, watched);
    if (before === undefined) {
      forgetEnd(socket);
      this.#monitor.add(watched);
    } else this.#monitor.hookUse(watched);
  }

  #leave(watched: WatchedConnection): void {
    this.#watched.delete(watched.socket);
    this.#monitor.remove(watched);
  }

  #findings(): Findings {
    return {
      unwell: (watched, snapshot, diagnosis) =>
        rememberSnapshot(watched.socket, snapshotToKeep(watched, snapshot, diagnosis)),
      changed: (watched, type, snapshot, diagnosis, nextProbeMs) =>
        this.#tell({ type, ...describePeer(watched, snapshot, diagnosis, nextProbeMs) }),
      givenUp: (watched, snapshot, diagnosis, forMs) => this.#givenUp(watched, snapshot, diagnosis, forMs),
      closing: noteLastSnapshot,
      ended: (watched, snapshot) => this.#endedUnnoticed(watched, snapshot),
      closed: (watched) => this.#closed(watched),
    };
  }

  #givenUp(watched: WatchedConnection, snapshot: Snapshot, diagnosis: Diagnosis, forMs: number): void {
    const text = `the peer has answered nothing for ${(forMs / 1000).toFixed(1)} s`;
    const { unanswered } = diagnosis;
    const error = new DeadPeerError('unanswered', text, { unanswered, silentMs: snapshot.silentMs });
    const description = describePeer(watched, snapshot, diagnosis);
    this.#leave(watched);
    this.#abort(watched, error, () =>
      this.#tell({ type: 'dead', ...description, next: undefined, reason: 'unanswered', error, decidedBy: 'watch' }),
    );
  }

  /**
   * Reports a death, and destroys the socket if `destroy` is set. The connection is aborted, whoever closes it: data that
   * the kernel would still send could arrive after the program has tried again.
   */
  #abort({ socket, fd }: WatchedConnection, error: DeadPeerError, tell: () => void): void {
    rememberDead(error, socket);
    rememberEnd(socket, error.reason);
    const { destroy } = this.#rules;
    if (destroy && fd !== undefined) quietly(() => abortOnClose(fd));
    tell();
    if (destroy) socket.destroy(error);
  }

  /** Handles a closed descriptor. The peer, the kernel or the program closed it; the last is no event. */
  #closed(watched: WatchedConnection): void {
    if (this.#watched.get(watched.socket) !== watched) return;
    // A socket that is still open was handed to another process.
    if (watched.socket.destroyed) this.#end(watched, endingOfDestroyed(watched));
    else this.#leave(watched);
  }

  /**
   * Handles a connection that the kernel has ended unnoticed by Node.js. Takes the kernel's error only if the socket is
   * destroyed at once: otherwise the program gets the error at its next read.
   */
  #endedUnnoticed(watched: WatchedConnection, snapshot: Snapshot): void {
    const { fd } = watched;
    const { destroy, deadAfterMs, prober } = this.#rules;
    const isLeftToRead = destroy && canStillRead(watched);
    const taken = destroy && !isLeftToRead && fd !== undefined ? takeSocketError(fd) : undefined;
    const ending = endingOfUnread(watched, snapshot, taken);
    // Data that arrived before the peer closed the connection can still be read.
    if (!destroy || ending === 'program' || ending.reason === 'closed') {
      this.#end(watched, ending);
      return;
    }
    const { reason } = ending;
    const error = errorOfEnded(watched, snapshot, reason, taken);
    if (isLeftToRead) {
      rememberDead(error, watched.socket);
      destroyLater(watched, error, deadAfterMs ?? prober?.deadWithinMs ?? 0, () => !this.#isClosed);
      this.#end(watched, { reason, error });
    } else this.#abort(watched, error, () => this.#end(watched, { reason, error }));
  }

  #end(watched: WatchedConnection, ending: Ending): void {
    const { socket } = watched;
    this.#leave(watched);
    rememberEnd(socket, ending === 'program' ? ending : ending.reason);
    if (ending === 'program') return;
    const { reason, error } = ending;
    const description = { ...describeLost(watched, lastSnapshotOf(socket)), error };
    const decidedBy = reason === 'unanswered' ? 'watch' : 'kernel';
    if (reason === 'closed') this.#tell({ type: 'closed', ...description });
    else if (reason !== 'refused') this.#tell({ type: 'dead', ...description, reason, decidedBy });
  }

  /** Calls a listener. A listener that throws keeps neither other listeners nor the watch from running. */
  #tell(event: PeerEvent): void {
    this.#ended.add(event);
    channels.get(event.type)?.publish(event);
    // A subscriber of the channel may have closed the watch.
    if (this.#isClosed) return;
    for (const iterator of this.#iterators) if (iterator.push(event)) this.#dropped += 1;
    try {
      this.emit(event.type as 'dead', event as never);
    } catch (error) {
      throwUncaught(error);
    }
  }
}
