import type { Http2Session } from 'node:http2';
import type net from 'node:net';
import { SystemCallError, UnsupportedError } from '../native/errors.js';
import { BoundSocket, Server, Socket } from '../node/classes.js';
import { behindProxy } from '../node/handle.js';
import { describeTarget } from './known-targets/known-targets.js';

/** Anything with a TCP connection underneath that it offers as `socket`: an http2 session, an http request or response. */
export interface SocketHolder {
  readonly socket: net.Socket | null;
}

/** What a policy can be applied to: a connection, something that rides on one, or a server. */
export type KeepAliveTarget = net.Socket | net.Server | BoundSocket | Http2Session | SocketHolder;

const accepted = 'a net.Socket, tls.TLSSocket, http2 session, http request or response, a server, or a net.BoundSocket';

type Syscall = 'getsockopt' | 'setsockopt';

/** Returns an error such as Node.js throws for an argument of a wrong type. */
export function argumentTypeError(message: string, cause?: unknown): TypeError {
  const error = new TypeError(message, cause === undefined ? undefined : { cause });
  return Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
}

function wrongTarget(target: unknown, cause?: unknown): TypeError {
  return argumentTypeError(`the target must be ${accepted}, got ${describeTarget(target)}`, cause);
}

/** Returns whether an http2 session has lost its socket. A getter of any other target may throw any value. */
function isUnbound(error: unknown): boolean {
  try {
    return (error as NodeJS.ErrnoException).code === 'ERR_HTTP2_SOCKET_UNBOUND';
  } catch {
    return false;
  }
}

/** The socket that something rides on, without the proxy that http2 puts before it and that ends with the session. */
function heldSocket(target: object, syscall: Syscall): unknown {
  try {
    const { socket } = target as Partial<SocketHolder>;
    if (socket instanceof Socket) return behindProxy(socket);
    if (socket !== undefined || !('socket' in target)) return socket;
  } catch (cause) {
    if (!isUnbound(cause)) throw wrongTarget(target, cause);
  }
  throw new SystemCallError(syscall, 'EBADF', 'the target has lost its socket: pass one that is open');
}

function isInstance<T>(value: unknown, type: abstract new (...values: never[]) => T): value is T {
  try {
    return value instanceof type;
  } catch {
    return false;
  }
}

/**
 * Returns the descriptor of a `net.BoundSocket`, which has no socket or server yet; undefined for any other target.
 *
 * @throws {SystemCallError} EBADF if it was closed, or given to a socket or server.
 */
export function boundDescriptor(target: KeepAliveTarget, syscall: Syscall): number | undefined {
  if (BoundSocket === undefined || !isInstance(target, BoundSocket)) return undefined;
  try {
    return target.fd();
  } catch (cause) {
    const detail = 'the bound socket was closed or given away: pass the socket or server that it was given to';
    throw new SystemCallError(syscall, 'EBADF', detail, cause);
  }
}

/**
 * Returns the socket or server that a target is or rides on, also one that was destroyed.
 *
 * @throws {TypeError} ERR_INVALID_ARG_TYPE if it is neither.
 * @throws {SystemCallError} ENOTCONN for a request or response without a socket, EBADF for something that has lost its socket.
 */
export function endpointOf(target: KeepAliveTarget, syscall: Syscall): net.Socket | net.Server {
  if (isInstance(target, Server)) return target;
  if (typeof target !== 'object' || target === null) throw wrongTarget(target);
  const socket = isInstance(target, Socket) ? target : heldSocket(target, syscall);
  if (socket === null) {
    const detail = "a request has a socket from its 'socket' event on, a response until it has been sent";
    throw new SystemCallError(syscall, 'ENOTCONN', detail);
  }
  if (!isInstance(socket, Socket)) throw wrongTarget(target);
  return socket;
}

/**
 * Returns the socket or server that a target is or rides on.
 *
 * @throws {SystemCallError} like {@link endpointOf}, and EBADF if the socket has been destroyed.
 */
export function resolveTarget(target: KeepAliveTarget, syscall: Syscall = 'setsockopt'): net.Socket | net.Server {
  const endpoint = endpointOf(target, syscall);
  if (endpoint instanceof Server || !endpoint.destroyed) return endpoint;
  const detail = 'the socket has been destroyed: pass one that is open or yet to connect';
  throw new SystemCallError(syscall, 'EBADF', detail);
}

/**
 * Refuses an object whose methods cannot be wrapped, which a policy for later needs.
 *
 * @throws {UnsupportedError} if it is frozen.
 */
export function assertExtensible(endpoint: net.Socket | net.Server): void {
  if (Object.isExtensible(endpoint)) return;
  throw new UnsupportedError('a policy for later on a frozen object', 'one that can be extended');
}
