import type net from 'node:net';
import { Socket } from './classes.js';

/** The address and port that `getsockname` and `getpeername` fill in. */
export interface SocketName {
  address?: string;
  port?: number;
}

/** The properties of a Node.js handle that this package uses. */
export interface Handle {
  readonly fd?: number;
  /** Whether Node.js reads from the handle: Node.js stops while the program does not take the data that arrived. */
  readonly reading?: boolean;
  /** All bytes that were given to the kernel or taken from the kernel, also by TLS and http2 above the handle. */
  readonly bytesWritten?: number;
  readonly bytesRead?: number;
  /** The handle below a TLS handle. */
  readonly _parent?: Handle | null;
  /** Returns 0, or a negative errno. */
  setKeepAlive?(enable: boolean, delaySeconds: number, intervalSeconds: number, count: number): number;
  getsockname?(out: SocketName): number;
  getpeername?(out: SocketName): number;
  close?(callback?: () => void): void;
}

/** Returns the handle of a socket or server. Returns undefined if there is none. */
export function handleOf(endpoint: net.Socket | net.Server): Handle | undefined {
  return (endpoint as unknown as { _handle: Handle | null })._handle ?? undefined;
}

/** Returns the handle that has the descriptor: `handle`, or the lowest handle below TLS. */
export function bottomOf(handle: Handle): Handle {
  let bottom = handle;
  while (bottom._parent) bottom = bottom._parent;
  return bottom;
}

/** Yields a handle and, for a TLS handle, the handles below. */
export function* handlesFrom(top: Handle | undefined): Generator<Handle> {
  for (let handle = top; typeof handle === 'object'; handle = handle._parent ?? undefined) yield handle;
}

/** Returns the descriptor of a handle. Returns undefined if the handle has no descriptor, or is closed. */
export function fdOf({ fd }: Handle): number | undefined {
  return fd === undefined || fd < 0 ? undefined : fd;
}

/** Returns the descriptor of a socket or server. Returns undefined if there is none. */
export function descriptorOf(endpoint: net.Socket | net.Server): number | undefined {
  const handle = handleOf(endpoint);
  return handle && fdOf(handle);
}

/** Returns the socket below a TLS socket. Returns undefined unless the program passed that socket in. */
export function parentOf(socket: net.Socket): net.Socket | undefined {
  const { _parent: parent } = socket as unknown as { _parent?: unknown };
  return parent instanceof Socket ? parent : undefined;
}

/** Returns the socket that has or will get the descriptor: `socket`, or the socket that was passed in below TLS. */
export function carrierOf(socket: net.Socket): net.Socket {
  if (descriptorOf(socket) !== undefined) return socket;
  const parent = parentOf(socket);
  return parent === undefined ? socket : carrierOf(parent);
}

const noEvent = Symbol('no event');
const noListener = () => {};

/**
 * Returns the socket behind the proxy that an http2 session has as its `socket` (lib/internal/http2/core.js): the proxy
 * ends with the session. Returns any other socket as it is.
 */
export function behindProxy(socket: net.Socket): net.Socket {
  return socket.off(noEvent, noListener);
}
