import { channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import type net from 'node:net';
import type { ValidPolicy } from '../../policy/index.js';
import { assignments, isInForce } from '../../socket/assignments.js';
import { type KeepAliveTarget, setKeepAlive } from '../../socket/index.js';
import { currentPlatform } from '../../socket/platforms/index.js';
import { openDescriptor } from '../../socket/target.js';
import { programState } from '../../socket/watch-policy.js';
import type { Condition } from './condition.js';
import {
  DeadPeerError,
  explainDeath,
  forgetSight,
  isOfConnection,
  lastSightOf,
  rememberDead,
  rememberSight,
} from './death.js';
import { describeLost, describePeer, hasTimedOut, sightOfEnd, sightToKeep } from './description.js';
import type { PeerEvent, PeerEventName, PeerWatchEvents } from './events.js';
import { type Findings, type Limits, Lookout } from './lookout.js';
import { PeerEvents } from './peer-events.js';
import { Pending } from './pending.js';
import type { Sight } from './sight.js';
import { quietly, watchableSocket, watchedOn } from './watchable.js';
import { bottomHandleOf, isAbove, type Watched } from './watched.js';

/** How a watch treats its connections. */
export interface WatchRules extends Limits {
  readonly policy: ValidPolicy | undefined;
  readonly destroy: boolean;
}

const names: readonly PeerEventName[] = ['suspect', 'recovered', 'stalled', 'dead'];
const channels = new Map(names.map((name) => [name, channel(`tcp-keepalive:peer:${name}`)]));

function setUnlessSet(socket: net.Socket, policy: ValidPolicy): void {
  const handle = bottomHandleOf(socket);
  const fd = handle && openDescriptor(handle);
  if (handle === undefined || fd === undefined) return;
  if (!isInForce(assignments(policy, currentPlatform()), programState(handle, fd))) setKeepAlive(socket, policy);
}

/**
 * Watches the peers of connections and says what becomes of them, as events, as an async iterator, and on the diagnostics
 * channels `tcp-keepalive:peer:suspect`, `:recovered`, `:stalled` and `:dead`.
 *
 * It keeps neither the process alive nor a socket from being collected; a connection leaves it when it ends.
 */
export class PeerWatch extends EventEmitter<PeerWatchEvents> implements AsyncIterable<PeerEvent>, Disposable {
  readonly #rules: WatchRules;
  readonly #watched = new WeakMap<net.Socket, Watched>();
  readonly #pending = new Pending();
  readonly #lookout: Lookout;
  readonly #onClosed: () => void;
  readonly #ends = new Set<() => void>();
  readonly #iterators = new Set<PeerEvents>();
  #isClosed = false;

  constructor(rules: WatchRules) {
    super();
    this.#rules = rules;
    this.#lookout = new Lookout(rules, this.#findings());
    const watch = this;
    this.#onClosed = function onClosed(this: net.Socket) {
      watch.#closed(this);
    };
  }

  /** How many connections it watches; those that are yet to be connected are not counted. */
  get size(): number {
    return this.#lookout.size;
  }

  /**
   * Watches one more connection. One that is connecting is watched once it is connected, unless it then is no TCP
   * connection; one that is watched already stays so, also where it is given once with TLS and once as what lies below.
   *
   * @throws {SystemCallError} EBADF for a destroyed socket, ENOTSOCK for what is none, ENOTCONN for a server.
   * @throws {UnsupportedError} for a unix-domain socket, and on other platforms than Linux.
   */
  add(target: KeepAliveTarget): this {
    const socket = watchableSocket(target);
    if (this.#isClosed || this.#watched.has(socket)) return this;
    if (socket.pending) this.#pending.add(socket, () => quietly(() => this.#begin(socket)));
    else this.#begin(socket);
    return this;
  }

  /** Whether it watches a connection: not yet while that is connecting. */
  has(socket: net.Socket): boolean {
    return this.#watched.has(socket);
  }

  /** Watches a connection no longer; whether it did. */
  delete(socket: net.Socket): boolean {
    const watched = this.#watched.get(socket);
    if (watched === undefined) return this.#pending.delete(socket);
    this.#leave(watched);
    return true;
  }

  /** Ends the watch: no event comes any more, iterators end, and no socket has a listener of it left. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pending.clear();
    for (const watched of this.#lookout.close()) this.#leave(watched);
    for (const end of this.#ends) end();
    this.#ends.clear();
    for (const iterator of this.#iterators) iterator.end();
    this.#iterators.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Yields every event from now on, until the watch is closed. */
  [Symbol.asyncIterator](): AsyncIterableIterator<PeerEvent, undefined> {
    const iterator = new PeerEvents((events) => this.#iterators.delete(events));
    if (this.#isClosed) iterator.end();
    else this.#iterators.add(iterator);
    return iterator;
  }

  /**
   * Has something done when the watch is closed.
   *
   * @internal
   */
  onClose(end: () => void): void {
    this.#ends.add(end);
  }

  #begin(socket: net.Socket): void {
    if (this.#isClosed || socket.destroyed || this.#watched.has(socket)) return;
    const handle = bottomHandleOf(socket);
    const before = handle && this.#lookout.on(handle);
    if (before === undefined && this.#rules.policy !== undefined) setUnlessSet(socket, this.#rules.policy);
    const watched = before ?? watchedOn(socket);
    if (before !== undefined) {
      if (!isAbove(socket, before.socket)) return;
      this.#unlisten(before);
      before.socket = socket;
    }
    this.#watched.set(socket, watched);
    socket.on('close', this.#onClosed);
    if (before === undefined) this.#lookout.add(watched);
    else this.#lookout.announceUse(watched);
  }

  #unlisten({ socket }: Watched): void {
    this.#watched.delete(socket);
    socket.off('close', this.#onClosed);
  }

  #leave(watched: Watched): void {
    this.#unlisten(watched);
    this.#lookout.remove(watched);
  }

  #findings(): Findings {
    return {
      unwell: (watched, sight, condition) => rememberSight(watched.socket, sightToKeep(watched, sight, condition)),
      turned: (watched, type, sight, condition, nextProbeMs) =>
        this.#tell({ type, ...describePeer(watched, sight, condition, nextProbeMs) }),
      givenUp: (watched, sight, condition, forMs) => this.#givenUp(watched, sight, condition, forMs),
      closing: (watched, sight) => this.#seenLast(watched, sight),
      ended: (watched, sight) => this.#ended(watched, sight),
      closed: ({ socket }) => this.#closed(socket),
      left: (watched) => this.#leave(watched),
    };
  }

  #givenUp(watched: Watched, sight: Sight, condition: Condition, forMs: number): void {
    const { socket } = watched;
    const error = new DeadPeerError(condition.unanswered, sight.silentMs, forMs);
    const description = describePeer(watched, sight, condition);
    this.#leave(watched);
    rememberDead(error, socket);
    if (this.#rules.destroy) socket.destroy(error);
    this.#tell({ type: 'dead', ...description, next: undefined, reason: 'unanswered', error, decidedBy: 'watch' });
  }

  /** Keeps what is seen of a connection at its end, also for {@link explainDeath} in a listener of the socket's error. */
  #seenLast(watched: Watched, sight: Sight): void {
    const { socket } = watched;
    watched.lastSeen = sight;
    const before = lastSightOf(socket);
    const atEnd = sightOfEnd(watched, sight, before);
    if (atEnd !== undefined) rememberSight(socket, atEnd);
    else if (before === undefined) forgetSight(socket);
  }

  /** A socket was closed: by its peer, by the kernel, or by its program, which is no event. */
  #closed(socket: net.Socket): void {
    const watched = this.#watched.get(socket);
    if (watched === undefined) return;
    const { errored, readableEnded } = socket;
    const { lastSeen, isEndedFirst } = watched;
    const isDead = errored === null ? readableEnded && !isEndedFirst : isOfConnection(errored, socket, lastSeen?.state);
    if (isDead) this.#dead(watched, errored ?? undefined);
    else this.#leave(watched);
  }

  /** The kernel has ended a connection from which Node.js does not read: its verdict follows from what was last seen. */
  #ended(watched: Watched, sight: Sight): void {
    const { socket, options, isEndedFirst } = watched;
    const last = lastSightOf(socket);
    this.#seenLast(watched, sight);
    if (hasTimedOut(sight, options, last)) this.#dead(watched, undefined, { code: 'ETIMEDOUT' });
    else if (!socket.writableFinished) this.#dead(watched, undefined, { code: 'ECONNRESET', syscall: 'read' });
    else if (isEndedFirst) this.#leave(watched);
    else this.#dead(watched, undefined);
  }

  /** `error` is what Node.js has found, and `found` what the connection ended with; nothing where that was in good order. */
  #dead(watched: Watched, error: Error | undefined, found: unknown = error): void {
    const { socket } = watched;
    this.#leave(watched);
    const { reason } = explainDeath(found, socket);
    const decidedBy = error instanceof DeadPeerError ? 'watch' : 'kernel';
    this.#tell({ type: 'dead', ...describeLost(watched, lastSightOf(socket)), reason, error, decidedBy });
  }

  /** A listener that throws is its program's affair: others are still told, and other peers looked at. */
  #tell(event: PeerEvent): void {
    channels.get(event.type)?.publish(event);
    // A subscriber of the channel may have closed the watch.
    if (this.#isClosed) return;
    for (const iterator of this.#iterators) iterator.push(event);
    try {
      this.emit(event.type as 'dead', event as never);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }
}
