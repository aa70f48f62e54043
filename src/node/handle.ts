import type net from 'node:net';
import { Socket } from './classes.js';

/** What `getsockname` and `getpeername` fill in. */
export interface SocketName {
  address?: string;
  port?: number;
}

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
  getsockname?(out: SocketName): number;
  getpeername?(out: SocketName): number;
  close?(callback?: () => void): void;
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

/** Goes through a handle and, for one of TLS, the handles below it. */
export function* handlesFrom(top: Handle | undefined): Generator<Handle> {
  for (let handle = top; typeof handle === 'object'; handle = handle._parent ?? undefined) yield handle;
}

/** The descriptor of a handle, or `undefined` where it has none, or none any more. */
export function fdOf({ fd }: Handle): number | undefined {
  return fd === undefined || fd < 0 ? undefined : fd;
}

/** The descriptor under a socket or server, or `undefined` while it has none. */
export function descriptorOf(endpoint: net.Socket | net.Server): number | undefined {
  const handle = handleOf(endpoint);
  return handle && fdOf(handle);
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

const noEvent = Symbol('no event');
const noListener = () => {};

/**
 * Returns the socket behind the proxy that an http2 session has as its `socket` (lib/internal/http2/core.js): the proxy
 * ends with the session. Returns any other socket as it is.
 */
export function behindProxy(socket: net.Socket): net.Socket {
  return socket.off(noEvent, noListener);
}
