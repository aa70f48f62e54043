import { channel } from 'node:diagnostics_channel';
import type net from 'node:net';
import { quietly } from '../../node/guarded.js';
import { onSecuring } from '../../node/hooks.js';
import { callSoon } from '../../node/real-time.js';
import { assertKnownOptions, ConfigurationError } from '../../policy/configuration-error.js';
import { readMilliseconds } from '../../policy/duration.js';
import { readPolicy } from '../../policy/parse.js';
import type { Duration, PolicyInput } from '../../policy/policy.js';
import { secondsMeant } from '../../policy/unit-slip.js';
import { assertSnapshots } from '../../socket/probe/take-snapshot.js';
import type { KeepAliveTarget } from '../../socket/target.js';
import { leastDeadWithinMs } from './fast-detection/plan.js';
import { Prober } from './fast-detection/prober.js';
import { PeerWatch } from './peer-watch.js';
import { watchableSocket } from './watched-connection.js';

/** What {@link watchPeers} watches, and how. */
export interface WatchOptions {
  /** The connections to begin with; `add` takes more. */
  readonly sockets?: Iterable<KeepAliveTarget>;
  /** Also every TCP connection that this thread opens or accepts from now on. */
  readonly all?: boolean;
  /** Set on each connection that is watched; without it they are watched as they are. */
  readonly policy?: PolicyInput;
  /**
   * A peer is dead when probes or data have been unanswered for this long, counted from the first unanswered transmission.
   * A peer that does not read, but whose kernel answers, is not dead. At least 1 s.
   */
  readonly deadAfter?: Duration;
  /**
   * The kernel probes a quiet peer at shorter intervals than keepalive's options allow, so that the peer's death is noticed
   * within this time, and a round trip, after its last sign of life. At least 1.2 s. A false alarm takes two lost answers
   * in a row from 1.92 s on, and three from 2.46 s on.
   *
   * The watch puts options of its own in force on a connection that is in use: an interval of 1 s, a count of 31, and an
   * idle time of 1 s if `deadWithin` is at most 3.4 s. The program's options are restored when the watch ends; options that
   * the program sets meanwhile are set then. Only connections that carried data within the last minute, or within
   * `deadWithin` if that is longer, are asked. Without `deadAfter`, a peer that stops reading and then dies has this time
   * as well.
   */
  readonly deadWithin?: Duration;
  /**
   * Aborts the connection to a dead peer, and destroys the socket with a {@link DeadPeerError}: the kernel sends no more
   * data, as when it gives a peer up itself. Also destroys a socket whose end Node.js does not notice. Default: false.
   */
  readonly destroy?: boolean;
}

const source = 'watchPeers';

/** A shorter time ends a healthy connection at the first lost segment, which the kernel sends again after 200 ms or more. */
const leastDeadAfterMs = 1000;

function milliseconds(field: 'deadAfter' | 'deadWithin', given: Duration | undefined, least: number) {
  if (given === undefined) return undefined;
  const ms = readMilliseconds(given);
  if (ms !== undefined && ms >= least) return ms;
  const slip = secondsMeant(given, least);
  const allowed = `a duration of at least ${least} ms, such as '45s' or 45000`;
  throw new ConfigurationError(source, field, given, slip === undefined ? allowed : `${allowed} (${slip})`);
}

const fields: readonly (keyof WatchOptions)[] = ['sockets', 'all', 'policy', 'deadAfter', 'deadWithin', 'destroy'];

function isIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

/** Checks what is given, and what of it goes together; what is read of it later is what was checked. */
function check(given: WatchOptions): void {
  assertKnownOptions(source, given, fields);
  const { sockets, all, deadAfter, deadWithin, destroy } = given;
  for (const [field, value] of Object.entries({ all, destroy })) {
    if (value !== undefined && typeof value !== 'boolean') {
      throw new ConfigurationError(source, field, value, 'true or false');
    }
  }
  if (sockets !== undefined && !isIterable(sockets)) {
    throw new ConfigurationError(source, 'sockets', sockets, 'a list of sockets, such as [socket]');
  }
  if (destroy === true && deadAfter === undefined && deadWithin === undefined) {
    throw new ConfigurationError(source, 'destroy', destroy, 'left out, or given with deadAfter or deadWithin');
  }
  if (sockets === undefined && all !== true) {
    throw new ConfigurationError(source, 'sockets', sockets, 'a list of sockets, or `all: true` instead');
  }
}

/** Adds every new connection. */
function addQuietly(watch: PeerWatch, socket: net.Socket): void {
  if (!socket.destroyed) quietly(() => watch.add(socket));
}

/** Adds accepted connections, and TLS that is put on a connection. The watch itself notices connecting sockets. */
function addAll(watch: PeerWatch): void {
  const onServerSocket = (message: unknown) => addQuietly(watch, (message as { socket: net.Socket }).socket);
  watch.onClose(() => channel('net.server.socket').unsubscribe(onServerSocket));
  channel('net.server.socket').subscribe(onServerSocket);
  // Only the TLS socket hears why the connection below it ends.
  const stopSecuring = onSecuring((secure, below) => {
    callSoon(() => {
      // Of a socket whose connect call Node.js makes in its next tick the watch has not heard yet.
      if (below.connecting || watch.has(below) || watch.isAwaited(below)) addQuietly(watch, secure);
    });
  });
  watch.onClose(stopSecuring);
}

/**
 * Watches the peers of connections and says who is there before the kernel gives up: `suspect` when the first probe or
 * retransmission went unanswered, `recovered` when the peer answers again, `stalled` when its kernel answers and its
 * program does not read, `closed` when the peer closes the connection with FIN, `dead` with the reason when the peer is lost.
 *
 * A probe counts as unanswered when the kernel's estimate of a round trip (`tcpi_rto`, at least 200 ms) has passed, and is
 * told of within 250 ms. The watch reads what the kernel knows (`TCP_INFO`) when a connection's own numbers say that
 * something can have changed, and after something was written, for which it wraps the write methods of Node's handles;
 * what http2 writes it finds within 2 s. It sends nothing, unless `deadWithin` is given: keepalive must be on, or `policy`
 * given.
 *
 * Linux.
 *
 * @throws {ConfigurationError} if an option is wrong; {@link PolicyError} if the policy is wrong.
 * @throws {UnsupportedError} elsewhere, and as {@link PeerWatch.add}.
 */
export function watchPeers(options: WatchOptions): PeerWatch {
  check(options);
  assertSnapshots('watching peers');
  const { sockets = [], all = false, policy, deadAfter, deadWithin, destroy = false } = options;
  const deadWithinMs = milliseconds('deadWithin', deadWithin, leastDeadWithinMs);
  const watch = new PeerWatch({
    all,
    policy: policy === undefined ? undefined : readPolicy(policy),
    deadAfterMs: milliseconds('deadAfter', deadAfter, leastDeadAfterMs),
    prober: deadWithinMs === undefined ? undefined : new Prober(deadWithinMs),
    destroy,
  });
  try {
    // All or none: what cannot be watched is found before anything is done to one of them.
    for (const socket of [...sockets].map(watchableSocket)) watch.add(socket);
    if (all) addAll(watch);
    return watch;
  } catch (error) {
    watch.close();
    throw error;
  }
}
