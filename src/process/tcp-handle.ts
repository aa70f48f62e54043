import net from 'node:net';
import { UnsupportedError } from '../native/index.js';

/** Node's own handle of a TCP connection or listener (src/tcp_wrap.cc), as far as it is used here. */
export interface TcpHandle {
  /** -1 while it has none, and on Windows. */
  readonly fd: number;
  onconnection?: (status: number, client: TcpHandle | undefined) => void;
  getsockname(out: SocketName): number;
  getpeername(out: SocketName): number;
  setKeepAlive(enable: boolean, delaySeconds?: number, intervalSeconds?: number, count?: number): number;
}

/** What `getsockname` and `getpeername` fill in. */
export interface SocketName {
  address?: string;
  port?: number;
}

/** The methods that are wrapped; each answers 0, or a negative errno. */
export interface TcpPrototype extends TcpHandle {
  connect(request: object, address: string, port: number): number;
  connect6(request: object, address: string, port: number): number;
  listen(backlog: number): number;
}

interface Internals {
  readonly prototype: TcpPrototype;
  /** Under this a handle has the socket or server that it belongs to. */
  readonly owner: symbol;
}

interface Constructed {
  readonly constructor: { readonly name: string; readonly prototype: unknown };
}

function find(): Internals {
  const socket = new net.Socket();
  // It is destroyed before the next tick, in which Node.js would open a descriptor and connect.
  socket.connect({ host: '127.0.0.1', port: 1, autoSelectFamily: false });
  const { _handle: handle } = socket as unknown as { _handle?: Constructed | null };
  const owner =
    handle && Object.getOwnPropertySymbols(handle).find(({ description }) => description === 'owner_symbol');
  const prototype = handle?.constructor.prototype as Partial<TcpPrototype> | undefined;
  socket.destroy();
  const isKnown = ['connect', 'connect6', 'listen', 'setKeepAlive'].every(
    (method) => typeof prototype?.[method as keyof TcpPrototype] === 'function',
  );
  // Deno has such handles, but without descriptors.
  if (owner && isKnown && typeof (handle as Partial<TcpHandle>).fd === 'number')
    return { prototype: prototype as TcpPrototype, owner };
  const requires = 'Node.js: this runtime does not open its connections through a TCP handle that can be wrapped';
  throw new UnsupportedError('reaching every connection of the process', requires);
}

let internals: Internals | undefined;

/**
 * What every TCP handle of this thread inherits from.
 *
 * @throws {UnsupportedError} where the runtime has no such thing (Bun, Deno).
 */
export function tcpPrototype(): TcpPrototype {
  internals ??= find();
  return internals.prototype;
}

/** The socket or server that a handle belongs to; a handle that was just accepted or handed over has none yet. */
export function ownerOf(handle: TcpHandle): net.Socket | net.Server | undefined {
  internals ??= find();
  const owner = (handle as unknown as Record<symbol, unknown>)[internals.owner];
  return owner instanceof net.Socket || owner instanceof net.Server ? owner : undefined;
}

/** Whether a value is a TCP handle of this thread. */
export function isTcpHandle(value: unknown): value is TcpHandle {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === tcpPrototype();
}

/** The TCP handle under a socket, also below TLS, or under a server; `undefined` for a pipe, or before there is one. */
export function tcpHandleOf(socket: net.Socket | net.Server): TcpHandle | undefined {
  let { _handle: handle } = socket as unknown as { _handle?: unknown };
  while (typeof handle === 'object' && handle !== null && !isTcpHandle(handle)) {
    handle = (handle as { _parent?: unknown })._parent;
  }
  return isTcpHandle(handle) ? handle : undefined;
}
