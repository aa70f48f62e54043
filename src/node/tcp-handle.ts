import type net from 'node:net';
import { UnsupportedError } from '../native/errors.js';
import { Server, Socket } from './classes.js';
import type { Handle, SocketName } from './handle.js';
import { sharedInThread } from './thread-map.js';

/** The properties of a Node.js handle of a TCP connection or listener (src/tcp_wrap.cc) that this package uses. */
export interface TcpHandle extends Handle {
  /** -1 if the handle has no descriptor, and on Windows. */
  readonly fd: number;
}

/** The methods that this package wraps. Each returns 0, or a negative errno. */
export interface TcpPrototype extends TcpHandle {
  connect(request: object, address: string, port: number): number;
  connect6(request: object, address: string, port: number): number;
  listen(backlog: number): number;
}

interface Internals {
  readonly prototype: object;
  /** The key of a handle's property that holds the owner: a socket or server. */
  readonly owner: symbol;
}

/**
 * Makes Node.js create a TCP handle: `connect` creates the handle before it refuses the port (lib/net.js). The handle has no
 * descriptor, and does not keep the process alive. The handle is never closed: a close would run in the program's ticks and
 * trigger the program's async hooks.
 */
function createHandle(): object | null | undefined {
  const { bun, deno } = process.versions;
  if (bun !== undefined || deno !== undefined) return undefined;
  const socket = new Socket();
  try {
    socket.connect({ port: -1 });
  } catch {
    socket.unref();
  }
  return (socket as unknown as { readonly _handle?: object | null })._handle;
}

function findInternals(): Internals {
  const handle = createHandle();
  const owner =
    handle && Object.getOwnPropertySymbols(handle).find(({ description }) => description === 'owner_symbol');
  const prototype = handle ? (Object.getPrototypeOf(handle) as Partial<TcpPrototype>) : undefined;
  const isKnown = ['connect', 'connect6', 'listen', 'setKeepAlive'].every(
    (method) => typeof prototype?.[method as keyof TcpPrototype] === 'function',
  );
  if (owner && prototype && isKnown) return { prototype, owner };
  const requires = 'Node.js: this runtime does not open its connections through a TCP handle that can be wrapped';
  throw new UnsupportedError('reaching every connection of the process', requires);
}

let known: Internals | undefined;

function internals(): Internals {
  known ??= sharedInThread('tcp-handle/1', findInternals);
  return known;
}

/**
 * Returns the prototype of all TCP handles of this thread.
 *
 * @throws {UnsupportedError} if the runtime has no such handles (Bun, Deno).
 */
export function tcpPrototype(): TcpPrototype {
  return internals().prototype as TcpPrototype;
}

/** Owners that Node.js does not set: of handles below TLS, from the second address on (lib/internal/tls/wrap.js). */
const owners = new WeakMap<object, unknown>();

/** Remembers the owner of a TLS handle as the owner of the handle below. */
export function shareOwner(secure: object, below: object): void {
  const { owner } = internals();
  owners.set(below, (secure as Record<symbol, unknown>)[owner]);
}

/** Returns the socket or server of a handle. Returns undefined if the handle was just accepted or handed over. */
export function ownerOf(handle: object): net.Socket | net.Server | undefined {
  const { owner: symbol } = internals();
  const owner = (handle as Record<symbol, unknown>)[symbol] ?? owners.get(handle);
  return owner instanceof Socket || owner instanceof Server ? owner : undefined;
}

/** Returns whether a value is a TCP handle of this thread. */
export function isTcpHandle(value: unknown): value is TcpHandle {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === tcpPrototype();
}

/** Returns the TCP handle of a socket or server, also below TLS. Returns undefined if there is none, and for a pipe. */
export function tcpHandleOf(socket: net.Socket | net.Server): TcpHandle | undefined {
  let { _handle: handle } = socket as unknown as { _handle?: unknown };
  while (typeof handle === 'object' && handle !== null && !isTcpHandle(handle)) {
    handle = (handle as { _parent?: unknown })._parent;
  }
  return isTcpHandle(handle) ? handle : undefined;
}

type Name = Required<SocketName>;

function readName(handle: Handle, method: 'getsockname' | 'getpeername'): Name | undefined {
  const name: SocketName = {};
  if (handle[method]?.(name) !== 0 || name.address === undefined || name.port === undefined) return undefined;
  return name as Name;
}

/** Returns the local address and port of a handle. Returns undefined if the kernel reports none. */
export function nameOf(handle: Handle): Name | undefined {
  return readName(handle, 'getsockname');
}

/** Returns the address and port of the peer. Returns undefined for a listener, and if the connection has ended. */
export function peerOf(handle: Handle): Name | undefined {
  return readName(handle, 'getpeername');
}

/** Returns the host name that a socket connects to. Returns undefined if Node.js has kept no host, or a host that is no string. */
export function hostOf(socket: net.Socket | net.Server | undefined): string | undefined {
  const { _host: host } = (socket ?? {}) as { readonly _host?: unknown };
  // Node.js 20 takes whatever converts to a string.
  return typeof host === 'string' ? host : undefined;
}
