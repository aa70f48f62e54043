import type net from 'node:net';
import { SystemCallError, UnsupportedError } from '../native/errors.js';
import { Server, Socket } from '../node/classes.js';
import { carrierOf, descriptorOf, handleOf } from '../node/handle.js';
import { readPolicyOrOff } from '../policy/parse.js';
import type { PolicyInput } from '../policy/policy.js';
import { settingFields } from '../policy/settings.js';
import { awaitedState, noDescriptor, setOnSocket } from './connection.js';
import { canUseDescriptors, whyNoDescriptors } from './descriptors.js';
import { deferredFor } from './interim/option-owner.js';
import { readState, writePolicy } from './options.js';
import { currentPlatform } from './platforms/index.js';
import { plannedServerState, setOnServer } from './server.js';
import type { DeferredOptions, KeepAliveState, ServerKeepAlive, SocketKeepAlive, StatedKeepAlive } from './state.js';
import { boundDescriptor, type KeepAliveTarget, resolveTarget } from './target.js';

/**
 * Gives a connection or a server a keepalive policy, or turns keepalive off with `false` or `'off'`. Returns the options that
 * are then in force.
 *
 * The policy is text (`'30:5:3:auto'`, in seconds) or an object (in milliseconds); what it leaves out stays as it is. With `true` or
 * `'on'`, all numbers stay. Numbers of a new connection are the kernel's: `{ idle: 10_000 }` alone detects a dead peer after
 * 10 s + 75 s x 9, and Node's own call after 10 s + 1 s x 10. A process warning says once in a thread that detection is slow. An object with `enabled: false` sets
 * numbers with keepalive off. The result of {@link getKeepAlive} is restored as a whole. All
 * or nothing: it is validated, set and read back, and the options are restored if a call fails. A socket without a
 * descriptor gets it the moment it has one, before data can flow; a failure then destroys the socket with the error.
 * A server's listener hands it to every connection accepted from then on, at no cost for each; connections that it
 * already has stay as they are. The user timeout also bounds connecting (RFC 5482; Linux `tcp_write_timeout`).
 *
 * Of a connection, returns numbers; of a server, also how its connections get the options; of a target without a descriptor,
 * `status: 'pending'`. A number that nobody stated is `null` if it cannot be read: not on Linux, unless `/proc` is missing.
 *
 * Linux, macOS and FreeBSD; on Windows, and where the FFI cannot be loaded, through Node.js >= 24.19 or >= 26.4, where
 * the state cannot be read back. Never touches O_NONBLOCK.
 *
 * @example
 * const { idle, interval, count } = setKeepAlive(socket, '30:5:3:auto');
 * @throws {PolicyError} if the kernel would refuse or misread the policy.
 * @throws {UnsupportedError} if the socket is a unix-domain socket, or the platform lacks an option of the policy.
 * @throws {TypeError} ERR_INVALID_ARG_TYPE if the target is no socket.
 * @throws {SystemCallError} EBADF if the socket was destroyed, or the kernel's code.
 */
export function setKeepAlive(server: net.Server, policy: PolicyInput | boolean): ServerKeepAlive;
export function setKeepAlive(
  connection: Exclude<KeepAliveTarget, net.Server>,
  policy: PolicyInput | boolean,
): SocketKeepAlive;
export function setKeepAlive(target: KeepAliveTarget, policy: PolicyInput | boolean): SocketKeepAlive | ServerKeepAlive;
export function setKeepAlive(
  target: KeepAliveTarget,
  policy: PolicyInput | boolean,
): SocketKeepAlive | ServerKeepAlive {
  const valid = readPolicyOrOff(policy);
  const bound = boundDescriptor(target, 'setsockopt');
  if (bound !== undefined) return writePolicy(usable(bound), valid, currentPlatform());
  const endpoint = resolveTarget(target);
  return endpoint instanceof Server ? setOnServer(endpoint, valid) : setOnSocket(endpoint, valid);
}

/** @throws {UnsupportedError} if options cannot be set and read on descriptors here. */
function usable(descriptor: number): number {
  const reason = whyNoDescriptors();
  if (reason !== undefined) throw new UnsupportedError('keepalive on a bound socket', reason.requires, reason);
  return descriptor;
}

function isComplete<State extends StatedKeepAlive>(state: State | undefined): state is State & KeepAliveState {
  return state !== undefined && settingFields.every((field) => state[field] !== null);
}

interface MayBePending {
  readonly status?: 'pending' | undefined;
  /** Options that were requested and are set later. */
  readonly deferred?: DeferredOptions | undefined;
}

function readWithDeferred(endpoint: net.Socket | net.Server, fd: number): KeepAliveState & MayBePending {
  const state = readState(fd, currentPlatform());
  const handle = endpoint instanceof Server ? undefined : handleOf(endpoint);
  const deferred = handle && deferredFor(handle, state);
  return deferred === undefined ? state : { ...state, deferred };
}

interface MayBeOfServer {
  readonly connections?: ServerKeepAlive['connections'];
}

/**
 * Reads a connection's or listener's keepalive from the kernel, in milliseconds.
 *
 * Of a target that has no descriptor yet but was given a policy, returns what the target will have, with `status: 'pending'`.
 * Of a server whose connections are set on accept, returns what the connections get, with `connections`. Options that are
 * set later are in `deferred`. `setKeepAlive` takes the state, also after JSON, and restores it as a whole.
 *
 * Linux, macOS and FreeBSD.
 *
 * @example
 * const before = getKeepAlive(socket);
 * setKeepAlive(socket, '30:5:3');
 * setKeepAlive(socket, before);
 * @throws {UnsupportedError} on Windows, if the FFI cannot be loaded, and if the socket is a unix-domain socket.
 * @throws {TypeError} ERR_INVALID_ARG_TYPE if the target is no socket.
 * @throws {SystemCallError} EBADF if the socket was destroyed, ENOTCONN if the socket has
 * neither a descriptor nor a policy.
 */
export function getKeepAlive(connection: Exclude<KeepAliveTarget, net.Server>): KeepAliveState & MayBePending;
export function getKeepAlive(target: KeepAliveTarget): KeepAliveState & MayBePending & MayBeOfServer;
export function getKeepAlive(target: KeepAliveTarget): KeepAliveState & MayBePending & MayBeOfServer {
  const bound = boundDescriptor(target, 'getsockopt');
  if (bound !== undefined) return readState(usable(bound), currentPlatform());
  const resolved = resolveTarget(target, 'getsockopt');
  const endpoint = resolved instanceof Server ? resolved : carrierOf(resolved);
  const planned = endpoint instanceof Server ? plannedServerState(endpoint) : undefined;
  if (isComplete(planned)) return planned;
  const fd = descriptorOf(endpoint);
  if (fd !== undefined && canUseDescriptors()) return readWithDeferred(endpoint, fd);
  const awaited = endpoint instanceof Server ? undefined : awaitedState(endpoint);
  if (isComplete(awaited)) return awaited;
  const reason = whyNoDescriptors();
  if (reason !== undefined) throw new UnsupportedError('reading keepalive', reason.requires, reason);
  if (endpoint instanceof Socket && !endpoint.pending) throw noDescriptor();
  throw new SystemCallError('getsockopt', 'ENOTCONN', 'the target has no descriptor yet: connect it, or listen, first');
}
