import { channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import net from 'node:net';
import { SystemCallError, UnsupportedError } from '../../native/index.js';
import type { ValidPolicy } from '../../policy/index.js';
import { descriptorOf, type KeepAliveTarget, resolveTarget, setKeepAlive } from '../../socket/index.js';
import { readState } from '../../socket/options.js';
import { currentPlatform } from '../../socket/platforms/index.js';
import { carrierOf } from '../../socket/target.js';
import { Agenda } from './agenda.js';
import { assess, type Turn } from './assessment.js';
import { type Condition, conditionOf } from './condition.js';
import { DeadPeerError, explainDeath, rememberSight, verdictOf } from './death.js';
import { describePeer } from './description.js';
import { ProbeDriver } from './drive.js';
import type { DeadPeerEvent, PeerEvent, PeerEventName, PeerWatchEvents } from './events.js';
import { PeerEvents } from './peer-events.js';
import { isTimeToAsk, longestLookFor, nextLookMs, quietMs, settledMs } from './schedule.js';
import { lookAt, type Sight } from './sight.js';
import { isRead, shared, Watched } from './watched.js';

/** How a watch treats its connections; everything in milliseconds. */
export interface WatchRules {
  readonly policy: ValidPolicy | undefined;
  readonly deadAfterMs: number | undefined;
  readonly deadWithinMs: number | undefined;
  readonly destroy: boolean;
}

/** Node.js does not hear of the end of a connection from which nobody reads. */
const unreadLookMs = 50;

const over = new Set(['CLOSE', 'TIME_WAIT']);

const names: readonly PeerEventName[] = ['suspect', 'recovered', 'stalled', 'dead'];
const channels = new Map(names.map((name) => [name, channel(`tcp-keepalive:peer:${name}`)]));

/**
 * Watches the peers of connections and says what becomes of them, as events, as an async iterator, and on the diagnostics
 * channels `tcp-keepalive:peer:suspect`, `:recovered`, `:stalled` and `:dead`.
 *
 * It keeps neither the process alive nor a socket from being collected; a connection leaves it when it ends.
 */
export class PeerWatch extends EventEmitter<PeerWatchEvents> implements AsyncIterable<PeerEvent>, Disposable {
  readonly #rules: WatchRules;
  readonly #watched = new WeakMap<net.Socket, Watched>();
  readonly #agenda: Agenda<Watched>;
  readonly #onClosed: () => void;
  readonly #longestLookMs: number;
  readonly #driver: ProbeDriver | undefined;
  readonly #ends: (() => void)[] = [];
  #size = 0;
  #isClosed = false;

  constructor(rules: WatchRules) {
    super();
    this.#rules = rules;
    this.#longestLookMs = longestLookFor(rules.deadAfterMs);
    this.#driver = rules.deadWithinMs === undefined ? undefined : new ProbeDriver(rules.deadWithinMs);
    const watch = this;
    this.#onClosed = function onClosed(this: net.Socket) {
      watch.#ended(this);
    };
    this.#agenda = new Agenda(
      (due) => this.#lookAtAll(due),
      ({ slot }) => slot,
      (watched, slot) => {
        watched.slot = slot;
      },
    );
  }

  /** How many connections it watches. */
  get size(): number {
    return this.#size;
  }

  /**
   * Watches one more connection; one that is connecting is watched once it is connected, one that is watched already
   * stays so.
   *
   * @throws {SystemCallError} EBADF for a destroyed socket, ENOTSOCK for what is none.
   * @throws {UnsupportedError} for a unix-domain socket, and on other platforms than Linux.
   */
  add(target: KeepAliveTarget): this {
    const socket = resolveTarget(target, 'getsockopt');
    if (socket instanceof net.Server) {
      throw new SystemCallError('getsockopt', 'ENOTCONN', 'a server has no peer: add its connections, or watch all');
    }
    if (this.#isClosed || this.#watched.has(socket)) return this;
    if (this.#rules.policy !== undefined) setKeepAlive(socket, this.#rules.policy);
    if (socket.pending) socket.once('connect', () => this.#begin(socket));
    else this.#begin(socket);
    return this;
  }

  /** Watches a connection no longer. */
  delete(socket: net.Socket): boolean {
    const watched = this.#watched.get(socket);
    if (watched === undefined) return false;
    socket.off('close', this.#onClosed);
    this.#driver?.end(watched, descriptorOf(carrierOf(socket)));
    this.#forget(socket, watched);
    return true;
  }

  /** Ends the watch: no event comes any more, iterators end, and no socket has a listener of it left. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const watched of this.#agenda.clear()) this.#leave(watched);
    for (const end of this.#ends.splice(0)) end();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Yields every event from now on, until the watch is closed. */
  [Symbol.asyncIterator](): AsyncIterator<PeerEvent> {
    const events = new PeerEvents();
    const push = (event: PeerEvent) => events.push(event);
    for (const name of names) this.on(name, push as never);
    const stop = () => {
      for (const name of names) this.off(name, push as never);
      events.end();
    };
    if (this.#isClosed) stop();
    else this.#ends.push(stop);
    return events.iterate(stop);
  }

  /** Has something done when the watch is closed. */
  onClose(end: () => void): void {
    this.#ends.push(end);
  }

  #begin(socket: net.Socket): void {
    if (this.#isClosed || socket.destroyed || this.#watched.has(socket)) return;
    const fd = descriptorOf(carrierOf(socket));
    const options = fd === undefined ? undefined : shared(readState(fd, currentPlatform()));
    if (options === undefined || fd === undefined || lookAt(fd) === undefined) {
      throw new UnsupportedError('watching this stream', 'a TCP socket of the system');
    }
    // Node.js then still knows it when the connection is gone.
    void socket.remoteAddress;
    const watched = new Watched(socket, options);
    this.#watched.set(socket, watched);
    this.#size += 1;
    socket.on('close', this.#onClosed);
    this.#lookAt(watched);
    if (!options.enabled && this.#driver === undefined) this.#agenda.put(watched, settledMs);
  }

  #leave({ reference }: Watched): void {
    const socket = reference.deref();
    if (socket !== undefined) this.delete(socket);
  }

  #forget(socket: net.Socket, watched: Watched): void {
    this.#watched.delete(socket);
    this.#driver?.end(watched, undefined);
    this.#agenda.remove(watched);
    this.#size -= 1;
  }

  #lookAtAll(due: readonly Watched[]): void {
    for (const watched of due) {
      try {
        // A listener may have closed the watch.
        if (this.#isClosed) this.#leave(watched);
        else this.#lookAt(watched);
      } catch (error) {
        // A listener that throws is its program's affair; the other peers are still looked at.
        process.nextTick(() => {
          throw error;
        });
      }
    }
  }

  #lookAt(watched: Watched): void {
    const socket = watched.reference.deref();
    if (socket === undefined) {
      this.#size -= 1;
      return;
    }
    const restMs = this.#driver === undefined ? watched.restMs(socket) : 0;
    if (restMs > 0) {
      this.#agenda.put(watched, Math.min(restMs, this.#longestLookMs));
      return;
    }
    const fd = descriptorOf(carrierOf(socket));
    const sight = fd === undefined ? undefined : lookAt(fd);
    if (fd === undefined || sight === undefined || over.has(sight.state)) {
      this.#over(socket, watched);
      return;
    }
    const condition = conditionOf(sight);
    const wasUnanswered = watched.unansweredSince > 0;
    const isDriven = this.#driver?.isDriving(watched) === true;
    if (!wasUnanswered && !isDriven && isTimeToAsk(watched.options, sight, condition)) {
      watched.options = shared(readState(fd, currentPlatform()));
    }
    if (this.#isDriven(socket, watched, fd, sight, condition)) return;
    const nextMs = nextLookMs(sight, condition, watched.options, this.#longestLookMs);
    this.#agenda.put(watched, condition.unanswered > 0 && !isRead(socket) ? unreadLookMs : nextMs);
    watched.rest(socket, quietMs(sight, condition, watched.options));
    this.#judge(socket, watched, sight, condition);
  }

  /** Whether the peer is asked more often than the kernel would, and has been dealt with. */
  #isDriven(socket: net.Socket, watched: Watched, fd: number, sight: Sight, condition: Condition): boolean {
    const step = this.#driver?.step(watched, fd, sight);
    if (step === undefined) return false;
    if (step !== 'dead') this.#agenda.put(watched, Math.min(step.nextLookMs, this.#longestLookMs), true);
    this.#judge(socket, watched, sight, condition);
    if (step === 'dead' && this.#watched.has(socket)) {
      this.#giveUp(socket, watched, sight, condition, performance.now() - watched.unansweredSince);
    }
    return true;
  }

  /** The connection has ended in the kernel. Node.js tells of that at once, unless nobody reads. */
  #over(socket: net.Socket, watched: Watched): void {
    if (watched.mood === 'over' && !isRead(socket)) {
      socket.off('close', this.#onClosed);
      this.#tellDead(socket, watched, undefined);
      return;
    }
    watched.mood = 'over';
    this.#agenda.put(watched, unreadLookMs);
  }

  #judge(socket: net.Socket, watched: Watched, sight: Sight, condition: Condition): void {
    // A user timeout ends a connection also where nothing is unanswered, because its peer does not read.
    if (condition.unansweredKind !== undefined || condition.isWindowClosed || watched.unansweredSince > 0) {
      this.#remember(socket, watched, sight, condition);
    }
    const { turn, forMs } = assess(watched, sight, condition, performance.now());
    if (turn !== undefined) this.#turn(socket, watched, turn, sight, condition);
    const { deadAfterMs } = this.#rules;
    const isGivenUp = watched.mood === 'suspect' && deadAfterMs !== undefined && forMs >= deadAfterMs;
    if (isGivenUp && this.#watched.has(socket)) this.#giveUp(socket, watched, sight, condition, forMs);
  }

  #remember(socket: net.Socket, { options }: Watched, { silentMs }: Sight, condition: Condition): void {
    const { unansweredKind, unanswered } = condition;
    rememberSight(socket, { unansweredKind, unanswered, silentMs, userTimeout: options.userTimeout ?? 0 });
  }

  #turn(socket: net.Socket, watched: Watched, type: Turn, sight: Sight, condition: Condition): void {
    this.#tell({ type, ...describePeer(socket, sight, condition, watched.options) });
  }

  #giveUp(socket: net.Socket, watched: Watched, sight: Sight, condition: Condition, forMs: number): void {
    const error = new DeadPeerError(condition.unanswered, sight.silentMs, forMs);
    const description = describePeer(socket, sight, condition, watched.options);
    this.delete(socket);
    if (this.#rules.destroy) socket.destroy(error);
    this.#tell({ type: 'dead', ...description, next: undefined, reason: 'unanswered', error, decidedBy: 'watch' });
  }

  /** A socket was closed: by its peer, by the kernel, or by its program, which is no event. */
  #ended(socket: net.Socket): void {
    const watched = this.#watched.get(socket);
    if (watched === undefined) return;
    const { errored, readableEnded } = socket;
    if (errored === null && !readableEnded) this.#forget(socket, watched);
    else this.#tellDead(socket, watched, errored ?? undefined);
  }

  /** `error` is what Node.js has found; where it has not looked, the kernel's verdict follows from what was last seen. */
  #tellDead(socket: net.Socket, watched: Watched, error: Error | undefined): void {
    this.#forget(socket, watched);
    if (this.#isClosed) return;
    const found = error ?? (socket.readableEnded ? undefined : verdictOf(socket));
    const { reason, unanswered = 0, silentMs = 0 } = explainDeath(found, socket);
    const event: DeadPeerEvent = {
      type: 'dead',
      ...describePeer(socket, undefined, undefined, watched.options),
      local: watched.local,
      unanswered,
      silentMs,
      reason,
      error,
      decidedBy: 'kernel',
    };
    this.#tell(event);
  }

  #tell(event: PeerEvent | DeadPeerEvent): void {
    channels.get(event.type)?.publish(event);
    this.emit(event.type as 'suspect', event);
  }
}
