import type { SocketName, TcpHandle } from './tcp-handle.js';

type Name = Required<SocketName>;

/** A handle of whichever runtime. */
export type NamedHandle = Partial<Pick<TcpHandle, 'getsockname' | 'getpeername'>>;

function ask(handle: NamedHandle, method: 'getsockname' | 'getpeername'): Name | undefined {
  const name: SocketName = {};
  if (handle[method]?.(name) !== 0 || name.address === undefined || name.port === undefined) return undefined;
  return name as Name;
}

/** The address and port that a handle has here. */
export function nameOf(handle: NamedHandle): Name | undefined {
  return ask(handle, 'getsockname');
}

/** Those of its peer; `undefined` for a listener, and for a connection that is no more. */
export function peerOf(handle: NamedHandle): Name | undefined {
  return ask(handle, 'getpeername');
}
