import type net from 'node:net';
import { SystemCallError, UnsupportedError } from '../../native/errors.js';
import { Server } from '../../node/classes.js';
import { bottomOf, carrierOf, fdOf, type Handle, handleOf, parentOf } from '../../node/handle.js';
import { nowMs } from '../../node/real-time.js';
import type { Subscriber } from '../../node/subscribers.js';
import type { Snapshot } from '../../peer/snapshot.js';
import type { PeerState } from '../../peer/transition.js';
import type { ValidPolicy } from '../../policy/policy.js';
import { settingsKey } from '../../policy/settings.js';
import { programState } from '../../socket/interim/option-owner.js';
import { setKeepAlive } from '../../socket/keep-alive.js';
import { isInForce, optionWrites } from '../../socket/option-writes.js';
import { readState } from '../../socket/options.js';
import { currentPlatform } from '../../socket/platforms/index.js';
import { takeSnapshot } from '../../socket/probe/take-snapshot.js';
import type { KeepAliveState } from '../../socket/state.js';
import { type KeepAliveTarget, resolveTarget } from '../../socket/target.js';
import type { Endpoint } from '../../wire/endpoint.js';
import type { TcpState } from '../../wire/tcp-info/state.js';
import { localEnd, remoteEnd } from './addresses.js';
import type { Entry } from './timer-queue.js';

/** Returns whether Node.js reads the socket. Otherwise Node.js does not notice the end of a connection. */
export function isRead(socket: net.Socket): boolean {
  return handleOf(socket)?.reading !== false && !socket.readableEnded;
}

/** Returns the handle that has a socket's descriptor. */
export function bottomHandleOf(socket: net.Socket): Handle | undefined {
  const handle = handleOf(carrierOf(socket));
  return handle && bottomOf(handle);
}

/** Returns whether a socket carries TLS over the other one. */
export function isAbove(socket: net.Socket, other: net.Socket): boolean {
  for (let below = parentOf(socket); below !== undefined; below = parentOf(below)) if (below === other) return true;
  return false;
}

/** Returns the monotonic clock in whole milliseconds: small integers take no memory of their own. */
export function wholeMs(): number {
  return Math.trunc(nowMs());
}

/** A program sets keepalive soon after connecting. The kernel sends no probe in the first second. */
const settledMs = 900;

/** Options are read again after this time: another program, or an addon, may have set them. */
const optionsKeptMs = 20_000;

/** The states of a connection whose FIN from this side came first. */
const endedFirst: ReadonlySet<TcpState> = new Set(['FIN_WAIT1', 'FIN_WAIT2']);

/** Receives events of watched connections. */
export interface Follower {
  wrote(watched: WatchedConnection): void;
  optionsSet(watched: WatchedConnection): void;
  /** The descriptor is about to be closed. `snapshot` is the last one, undefined if none can be taken any more. */
  closing(watched: WatchedConnection, snapshot: Snapshot | undefined): void;
}

/** The watch's state of one connection: few numbers, because there may be very many connections. */
export class WatchedConnection implements Entry, PeerState, Subscriber {
  /** Kept strongly: an open socket's handle holds it anyway, and a socket that has ended leaves the watch. */
  socket: net.Socket;
  /** Counts also bytes that are written below TLS and by http2, which the socket does not count. */
  readonly handle: Handle;
  /** Kept because Node.js forgets them when the connection ends. */
  readonly local: Endpoint | undefined;
  readonly remote: Endpoint | undefined;
  /** Shared by all connections with the same options. */
  options: KeepAliveState;
  /** When the options are due to be read again, by {@link wholeMs}. */
  optionsDueAt = wholeMs() + settledMs;
  slot = -1;
  place = 0;
  /** When the peer answered the last probe; 0 if the peer was heard since. See {@link noteAnsweredProbe}. */
  probedAt = 0;
  /** How many segments had been sent by the time of `probedAt`. */
  probedSegments = 0;
  peerState: PeerState['peerState'] = 'fine';
  unansweredSince = 0;
  closedSince = 0;
  /** When a snapshot first showed that the connection has ended in the kernel; 0 if it has not. */
  overSince = 0;
  ackedBytes = 0;
  /** Whether the program ended the connection before the peer did. */
  isEndedFirst: boolean;
  /** Whether the connection's end is being reported. */
  isClosing = false;
  /** The last snapshot, taken when the connection's descriptor was closed. */
  lastSeen: Snapshot | undefined;
  follower: Follower | undefined;
  /** The bytes written and read when a change was last noticed. */
  #bytesWritten: number;
  #bytesRead = 0;

  constructor(socket: net.Socket, handle: Handle, options: KeepAliveState, state: TcpState) {
    this.socket = socket;
    this.handle = handle;
    this.local = localEnd(handle, socket);
    this.remote = remoteEnd(handle, socket);
    this.options = options;
    this.isEndedFirst = endedFirst.has(state);
    this.#bytesWritten = this.#written();
  }

  /** `undefined` once the connection has been closed, or handed to another process. */
  get fd(): number | undefined {
    return fdOf(this.handle);
  }

  readOptions(fd: number): void {
    const options = sharedOptions(readState(fd, currentPlatform()));
    if (options !== this.options) this.probedAt = 0;
    this.options = options;
    this.optionsDueAt = wholeMs() + optionsKeptMs;
  }

  wrote(): void {
    this.follower?.wrote(this);
  }

  ending(): void {
    const { fd } = this;
    if (fd !== undefined && takeSnapshot(fd)?.state === 'ESTABLISHED') this.isEndedFirst = true;
  }

  closing(): void {
    const { fd } = this;
    this.follower?.closing(this, fd === undefined ? undefined : takeSnapshot(fd));
  }

  optionsSet(): void {
    this.optionsDueAt = 0;
    this.follower?.optionsSet(this);
  }

  /** The time until the options must be read, if that is soon: the connection is new, or its options were set. */
  get untilSettledMs(): number {
    const ms = this.optionsDueAt - wholeMs();
    return ms > settledMs ? Number.POSITIVE_INFINITY : Math.max(0, ms);
  }

  /** Returns whether bytes were written since the last call. */
  noticeWriting(): boolean {
    const written = this.#written();
    const isNew = written !== this.#bytesWritten;
    this.#bytesWritten = written;
    return isNew;
  }

  /** Returns whether bytes were received since the last call. */
  noticeReading(): boolean {
    const read = this.handle.bytesRead ?? this.socket.bytesRead;
    const isNew = read !== this.#bytesRead;
    this.#bytesRead = read;
    return isNew;
  }

  #written(): number {
    return this.handle.bytesWritten ?? this.socket.bytesWritten;
  }
}

/** A limit, for programs that have other options on each connection. */
const mostKnown = 1000;

const known = new Map<string, KeepAliveState>();

/** Returns the same object for the same options. */
export function sharedOptions(options: KeepAliveState): KeepAliveState {
  const key = settingsKey(options);
  const before = known.get(key);
  if (before !== undefined) return before;
  if (known.size >= mostKnown) known.clear();
  known.set(key, options);
  return options;
}

function openHandleOf(socket: net.Socket): [Handle, number, Snapshot] {
  const handle = bottomHandleOf(socket);
  const fd = handle && fdOf(handle);
  const snapshot = fd === undefined ? undefined : takeSnapshot(fd);
  if (handle === undefined || fd === undefined || snapshot === undefined) {
    throw new UnsupportedError('watching this stream', 'a TCP socket of the system');
  }
  return [handle, fd, snapshot];
}

/**
 * Returns the socket of a target. A socket that is not connected yet may turn out not to be a TCP socket.
 *
 * @throws {TypeError} if the target is no socket.
 * @throws {SystemCallError} EBADF if the socket was destroyed, ENOTCONN if it is a server.
 * @throws {UnsupportedError} if the socket is a unix-domain socket, and on other platforms than Linux.
 */
export function watchableSocket(target: KeepAliveTarget): net.Socket {
  const socket = resolveTarget(target, 'getsockopt');
  if (socket instanceof Server) {
    throw new SystemCallError('getsockopt', 'ENOTCONN', 'a server has no peer: add its connections, or watch all');
  }
  if (!socket.pending) openHandleOf(socket);
  return socket;
}

/**
 * Returns the initial state of a watched connection.
 *
 * @throws {UnsupportedError} if the socket is no TCP socket.
 */
export function watchedOn(socket: net.Socket): WatchedConnection {
  const [handle, fd, { state }] = openHandleOf(socket);
  return new WatchedConnection(socket, handle, sharedOptions(readState(fd, currentPlatform())), state);
}

/** Sets a policy on an open connection, unless the connection has it: setting it again could make the kernel probe. */
export function setUnlessSet(socket: net.Socket, policy: ValidPolicy): void {
  const handle = bottomHandleOf(socket);
  const fd = handle && fdOf(handle);
  if (handle === undefined || fd === undefined) return;
  if (!isInForce(optionWrites(policy, currentPlatform()), programState(handle, fd))) setKeepAlive(socket, policy);
}
