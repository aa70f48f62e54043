import type { Http2Session } from 'node:http2';
import net from 'node:net';
import { SystemCallError, UnsupportedError } from '../native/index.js';
import { describeValue } from '../policy/index.js';

/** Anything with a TCP connection underneath that it offers as `socket`: an http2 session, an http request or response. */
export interface SocketHolder {
  readonly socket: net.Socket | null;
}

/** What a policy can be applied to: a connection, something that rides on one, or a server. */
export type KeepAliveTarget = net.Socket | net.Server | Http2Session | SocketHolder;

/** Node's own handle, as far as it is used here. */
export interface Handle {
  readonly fd?: number;
  /** Answers 0, or a negative errno. */
  setKeepAlive?(enable: boolean, delaySeconds: number, intervalSeconds: number, count: number): number;
}

const accepted = 'a net.Socket, tls.TLSSocket, http2 session, http request or response, or a server';

function closed(): SystemCallError {
  return new SystemCallError(
    'setsockopt',
    'EBADF',
    `the socket has been destroyed: pass one that is open or yet to connect`,
  );
}

/** The `socket` property of something that rides on one; http2 throws once its session has ended. */
function heldSocket(target: object): unknown {
  try {
    return (target as Partial<SocketHolder>).socket;
  } catch (cause) {
    throw new SystemCallError('setsockopt', 'EBADF', 'the session has lost its socket: pass one that is open', cause);
  }
}

/**
 * The socket or server that a target is or rides on.
 *
 * @throws {SystemCallError} ENOTSOCK for anything else, ENOTCONN for a request without a socket yet, EBADF for a
 * socket that has been destroyed.
 */
export function resolveTarget(target: KeepAliveTarget): net.Socket | net.Server {
  if (target instanceof net.Server) return target;
  const socket =
    target instanceof net.Socket
      ? target
      : typeof target === 'object' && target !== null
        ? heldSocket(target)
        : undefined;
  if (socket instanceof net.Socket) {
    if (socket.destroyed) throw closed();
    return socket;
  }
  if (socket === null) {
    throw new SystemCallError('setsockopt', 'ENOTCONN', "the request has no socket yet: wait for its 'socket' event");
  }
  throw new SystemCallError('setsockopt', 'ENOTSOCK', `the target must be ${accepted}, got ${describeValue(target)}`);
}

/** The handle under a socket or server, or `undefined` while it has none. */
export function handleOf(endpoint: net.Socket | net.Server): Handle | undefined {
  return (endpoint as unknown as { _handle: Handle | null })._handle ?? undefined;
}

/** The descriptor under a socket or server, or `undefined` while it has none. */
export function descriptorOf(endpoint: net.Socket | net.Server): number | undefined {
  const fd = handleOf(endpoint)?.fd;
  return fd === undefined || fd < 0 ? undefined : fd;
}

/**
 * The socket that will be given the descriptor of a connecting one: itself, or for TLS over a socket that was passed
 * in, that socket.
 *
 * @throws {UnsupportedError} when there never will be one (a stream that is not backed by a socket).
 */
export function connectingSocket(socket: net.Socket): net.Socket {
  if (!socket.pending) {
    throw new UnsupportedError(
      'a keepalive policy on this stream',
      'a socket of the system; this one has no descriptor',
    );
  }
  const { _parent: parent } = socket as unknown as { _parent?: unknown };
  return parent instanceof net.Socket && parent.pending ? connectingSocket(parent) : socket;
}
