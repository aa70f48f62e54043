import type { Http2Session } from 'node:http2';
import type net from 'node:net';
import { SystemCallError, UnsupportedError } from '../native/index.js';
import { describeValue } from '../policy/index.js';
import { Server, Socket } from './classes.js';

/** Anything with a TCP connection underneath that it offers as `socket`: an http2 session, an http request or response. */
export interface SocketHolder {
  readonly socket: net.Socket | null;
}

/** What a policy can be applied to: a connection, something that rides on one, or a server. */
export type KeepAliveTarget = net.Socket | net.Server | Http2Session | SocketHolder;

/** Node's own handle, as far as it is used here. */
export interface Handle {
  readonly fd?: number;
  /** Whether Node.js reads from it; it stops when a program does not take what has arrived. */
  readonly reading?: boolean;
  /** All bytes that were given to the kernel, or taken, also by TLS and http2 on top of it. */
  readonly bytesWritten?: number;
  readonly bytesRead?: number;
  /** The handle that one of TLS lies on. */
  readonly _parent?: Handle | null;
  /** Answers 0, or a negative errno. */
  setKeepAlive?(enable: boolean, delaySeconds: number, intervalSeconds: number, count: number): number;
  close?(callback?: () => void): void;
}

const accepted = 'a net.Socket, tls.TLSSocket, http2 session, http request or response, or a server';

type Syscall = 'getsockopt' | 'setsockopt';

function notATarget(target: unknown, syscall: Syscall, cause?: unknown): SystemCallError {
  return new SystemCallError(
    syscall,
    'ENOTSOCK',
    `the target must be ${accepted}, got ${describeValue(target)}`,
    cause,
  );
}

const noEvent = Symbol('no event');
const noListener = () => {};

/** The socket that something rides on, without the proxy that http2 puts before it and that ends with the session. */
function heldSocket(target: object, syscall: Syscall): unknown {
  try {
    const { socket } = target as Partial<SocketHolder>;
    if (socket instanceof Socket) return socket.off(noEvent, noListener);
    if (socket !== undefined || !('socket' in target)) return socket;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_HTTP2_SOCKET_UNBOUND') throw notATarget(target, syscall, cause);
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
 * Returns the socket or server that a target is or rides on, also one that was destroyed.
 *
 * @throws {SystemCallError} ENOTSOCK for anything else, ENOTCONN for a request or response without a socket, EBADF for
 * something that has lost its socket.
 */
export function endpointOf(target: KeepAliveTarget, syscall: Syscall): net.Socket | net.Server {
  if (isInstance(target, Server)) return target;
  if (typeof target !== 'object' || target === null) throw notATarget(target, syscall);
  const socket = isInstance(target, Socket) ? target : heldSocket(target, syscall);
  if (socket === null) {
    const detail = "a request has a socket from its 'socket' event on, a response until it has been sent";
    throw new SystemCallError(syscall, 'ENOTCONN', detail);
  }
  if (!isInstance(socket, Socket)) throw notATarget(target, syscall);
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

/** The handle under a socket or server, or `undefined` while it has none. */
export function handleOf(endpoint: net.Socket | net.Server): Handle | undefined {
  return (endpoint as unknown as { _handle: Handle | null })._handle ?? undefined;
}

/** The handle that has the descriptor: itself, or what lies below TLS. */
export function bottomOf(handle: Handle): Handle {
  let bottom = handle;
  while (bottom._parent) bottom = bottom._parent;
  return bottom;
}

/** The descriptor of a handle, or `undefined` where it has none, or none any more. */
export function openDescriptor({ fd }: Handle): number | undefined {
  return fd === undefined || fd < 0 ? undefined : fd;
}

/** The descriptor under a socket or server, or `undefined` while it has none. */
export function descriptorOf(endpoint: net.Socket | net.Server): number | undefined {
  const handle = handleOf(endpoint);
  return handle && openDescriptor(handle);
}

/** The socket that a socket carries TLS over, where it was given one. */
export function parentOf(socket: net.Socket): net.Socket | undefined {
  const { _parent: parent } = socket as unknown as { _parent?: unknown };
  return parent instanceof Socket ? parent : undefined;
}

/**
 * The socket that has the descriptor, or will be given it: itself, or for TLS over a socket that was passed in, that
 * socket.
 */
export function carrierOf(socket: net.Socket): net.Socket {
  if (descriptorOf(socket) !== undefined) return socket;
  const parent = parentOf(socket);
  return parent === undefined ? socket : carrierOf(parent);
}

/**
 * Refuses an object whose methods cannot be wrapped, which a policy for later needs.
 *
 * @throws {UnsupportedError} if it is frozen.
 */
export function refuseFrozen(endpoint: net.Socket | net.Server): void {
  if (Object.isExtensible(endpoint)) return;
  throw new UnsupportedError('a policy for later on a frozen object', 'one that can be extended');
}
