import { channel } from 'node:diagnostics_channel';
import type net from 'node:net';
import { Socket } from '../../node/classes.js';
import { onSecuring } from '../../node/connection-hooks.js';
import { quietly } from '../../node/guarded.js';
import { onHandedOver } from '../../node/opened-handles.js';
import { callSoon } from '../../node/real-time.js';
import { ownerOf } from '../../node/tcp-handle.js';
import { ConfigurationError } from '../../policy/configuration-error.js';
import { readMilliseconds } from '../../policy/duration.js';
import { PolicyError } from '../../policy/errors.js';
import { OptionsCheck } from '../../policy/options-check.js';
import { readPolicyOrOff } from '../../policy/parse.js';
import { type Duration, isOff, type PolicyInput, type ValidPolicy } from '../../policy/policy.js';
import { secondsMeant } from '../../policy/unit-slip.js';
import { assertSignal, isAborted, onAbort } from '../../socket/abort-signal.js';
import { assertSnapshots } from '../../socket/probe/take-snapshot.js';
import type { KeepAliveTarget } from '../../socket/target.js';
import { leastDeadAfterMs } from './dead-after.js';
import { leastDeadWithinMs } from './fast-detection/plan.js';
import { Prober } from './fast-detection/prober.js';
import { PeerWatch } from './peer-watch.js';
import { watchableSocket } from './watched-connection.js';

/** How {@link watchPeers} watches. */
interface CommonOptions {
  /** The policy that each watched connection gets. Default: the connection's options stay as they are. */
  readonly policy?: PolicyInput | true;
  /**
   * Declares a peer dead when probes or data have been unanswered for this time, counted from the first unanswered
   * transmission. A peer that does not read, but whose kernel answers, is not dead. At least 1 s. Default: only the kernel
   * declares a peer dead.
   */
  readonly deadAfter?: Duration;
  /**
   * Makes the kernel probe a quiet peer at shorter intervals than keepalive's options allow. The watch notices a death
   * within this time, and a round trip, after the peer's last sign of life. At least 1.2 s. A false alarm takes two lost
   * answers in a row from 1.92 s on, and three from 2.46 s on. Default: the kernel's own probes.
   *
   * The watch puts options of its own in force on a connection that is in use: an interval of 1 s, a count of 31, and an
   * idle time of 1 s if `deadWithin` is at most 3.4 s. The watch restores the program's options when it ends, and sets
   * options that the program has set meanwhile. Only connections that carried data within the last minute, or within
   * `deadWithin` if that is longer, are asked. Without `deadAfter`, a peer that stops reading and then dies has this time
   * as well.
   */
  readonly deadWithin?: Duration;
  /**
   * Aborts the connection to a dead peer, and destroys the socket with a {@link DeadPeerError}: the kernel sends no more
   * data, as when the kernel itself gives a peer up. Also destroys a socket whose end Node.js does not notice; if the program
   * has not read all that arrived, only after `deadAfter`, or `deadWithin` without it.
   *
   * @default false
   */
  readonly destroy?: boolean;
  /**
   * How many events wait at most in an async iterator. A further event drops the oldest; `dropped` of the iterator and of
   * the watch counts dropped events.
   *
   * @default 1000
   */
  readonly highWaterMark?: number;
  /** Closes the watch when the signal is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link watchPeers}: `all`, or `sockets` to begin with. `add` takes further connections in both cases. */
export type PeerWatchOptions = CommonOptions &
  (
    | {
        /** Watches every TCP connection that this thread opens or accepts from now on. */
        readonly all: true;
        readonly sockets?: undefined;
      }
    | {
        readonly all?: false | undefined;
        /** The connections to watch. */
        readonly sockets: Iterable<KeepAliveTarget>;
      }
  );

const source = 'watchPeers';

function milliseconds(field: 'deadAfter' | 'deadWithin', given: Duration | undefined, least: number) {
  if (given === undefined) return undefined;
  const ms = readMilliseconds(given);
  if (ms !== undefined && ms >= least) return ms;
  const slip = secondsMeant(given, least);
  const allowed = `a duration of at least ${least} ms, such as '45s' or 45000`;
  throw new ConfigurationError(source, field, given, slip === undefined ? allowed : `${allowed} (${slip})`);
}

const fields = ['sockets', 'all', 'policy', 'deadAfter', 'deadWithin', 'destroy', 'highWaterMark', 'signal'] as const;

function isIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function assertTurnsOn(policy: PeerWatchOptions['policy']): void {
  const isUnmanaged = policy === ('unmanaged' as unknown);
  if (policy === undefined || !(isUnmanaged || isOff(readPolicyOrOff(policy)))) return;
  const allowed = "one that turns keepalive on, such as '30:5:3', or left out to watch connections as they are";
  throw new PolicyError('policy', policy, allowed);
}

/** Checks the options, also together. What is read of the options later is what was checked. */
function assertOptions(given: PeerWatchOptions): void {
  if (given instanceof Socket || isIterable(given)) {
    throw new ConfigurationError(source, '', given, 'given options, such as { sockets: [socket] }');
  }
  const check = new OptionsCheck(source, given, fields);
  check.booleans('all', 'destroy');
  const { sockets, all, deadAfter, deadWithin, destroy, highWaterMark = 1, policy, signal } = given;
  assertTurnsOn(policy);
  if (sockets !== undefined && !isIterable(sockets)) check.refuse('sockets', 'a list of sockets, such as [socket]');
  if (sockets !== undefined && all)
    check.refuse('sockets', 'left out with `all: true`; add sockets with watch.add(socket)');
  if (sockets === undefined && !all) check.refuse('sockets', 'a list of sockets, or `all: true` instead');
  if (destroy && deadAfter === undefined && deadWithin === undefined) {
    check.refuse('destroy', 'left out, or given with deadAfter or deadWithin');
  }
  if (!Number.isSafeInteger(highWaterMark) || highWaterMark < 1)
    check.refuse('highWaterMark', 'a whole number of at least 1');
  assertSignal(source, signal);
}

/** Adds every new connection. */
function addQuietly(watch: PeerWatch, socket: net.Socket): void {
  if (!socket.destroyed) quietly(() => watch.add(socket));
}

/**
 * Adds accepted connections, connections that another process hands over, and TLS on a connection. The watch itself notices
 * connecting sockets.
 */
function addAll(watch: PeerWatch): void {
  const onServerSocket = (message: unknown) => addQuietly(watch, (message as { socket: net.Socket }).socket);
  watch.onClose(() => channel('net.server.socket').unsubscribe(onServerSocket));
  channel('net.server.socket').subscribe(onServerSocket);
  const stopReceiving = onHandedOver((handle) => {
    // Node.js makes the socket of the handle after this.
    callSoon(() => {
      const socket = ownerOf(handle);
      if (socket instanceof Socket) addQuietly(watch, socket);
    });
  });
  watch.onClose(stopReceiving);
  // Only the TLS socket hears why the connection below it ends.
  const stopSecuring = onSecuring((secure, below) => {
    callSoon(() => {
      // Of a socket whose connect call Node.js makes in its next tick the watch has not heard yet.
      if (below.connecting || watch.has(below) || watch.isAwaited(below)) addQuietly(watch, secure);
    });
  });
  watch.onClose(stopSecuring);
}

/** Closes a watch when a signal is aborted, unless the watch is closed before. */
function closeOnAbort(watch: PeerWatch, signal: AbortSignal): void {
  if (isAborted(signal)) watch.close();
  else watch.onClose(onAbort(signal, () => watch.close()));
}

/**
 * Watches the peers of connections, and reports a silent peer before the kernel gives the peer up.
 *
 * - `suspect`: the first probe or retransmission went unanswered.
 * - `recovered`: the peer answers again.
 * - `stalled`: the peer's kernel answers, but its program does not read.
 * - `closed`: the peer closed the connection with FIN.
 * - `dead`: the peer is lost; `reason` says why.
 *
 * A probe counts as unanswered when the kernel's estimate of a round trip (`tcpi_rto`, at least 200 ms) has passed; the event
 * follows within 250 ms. The watch takes snapshots (`TCP_INFO`) when a connection's own numbers say that something can have
 * changed, and after a write, for which it wraps the write methods of Node's handles. It finds writes of http2 within 2 s.
 * The watch sends nothing without `deadWithin`: keepalive must be on, or `policy` given. With a signal that is aborted
 * already, the watch is closed from the start and leaves the sockets alone.
 *
 * Linux.
 *
 * @example
 * const watch = watchPeers({ all: true, policy: '30:5:3', deadAfter: '45s', destroy: true });
 * watch.on('dead', ({ remote, reason }) => console.log(remote?.address, reason));
 *
 * @throws {ConfigurationError} if an option is wrong.
 * @throws {PolicyError} if the policy is wrong.
 * @throws {TypeError} ERR_INVALID_ARG_TYPE if `signal` is no AbortSignal, or a socket is none.
 * @throws {SystemCallError} EBADF if a socket was destroyed, ENOTCONN if one is a server.
 * @throws {UnsupportedError} if a socket is a unix-domain socket, and on other platforms than Linux.
 */
export function watchPeers(options: PeerWatchOptions): PeerWatch {
  assertOptions(options);
  assertSnapshots('watching peers');
  const { sockets = [], all = false, policy, deadAfter, deadWithin, destroy = false, highWaterMark = 1000 } = options;
  const { signal } = options;
  const deadWithinMs = milliseconds('deadWithin', deadWithin, leastDeadWithinMs);
  const watch = new PeerWatch({
    all,
    policy: policy === undefined ? undefined : (readPolicyOrOff(policy) as ValidPolicy),
    deadAfterMs: milliseconds('deadAfter', deadAfter, leastDeadAfterMs),
    prober: deadWithinMs === undefined ? undefined : new Prober(deadWithinMs),
    destroy,
    highWaterMark,
  });
  try {
    // All or none: a socket that cannot be watched is found before anything is done to another.
    const watchable = [...sockets].map(watchableSocket);
    if (signal !== undefined) closeOnAbort(watch, signal);
    if (watch.isClosed) return watch;
    for (const socket of watchable) watch.add(socket);
    if (all) addAll(watch);
    return watch;
  } catch (error) {
    watch.close();
    throw error;
  }
}
