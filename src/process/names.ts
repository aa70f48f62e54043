import type { SocketName, TcpHandle } from './tcp-handle.js';

type Name = Required<SocketName>;

function ask(handle: TcpHandle, method: 'getsockname' | 'getpeername'): Name | undefined {
  const name: SocketName = {};
  if (handle[method](name) !== 0 || name.address === undefined || name.port === undefined) return undefined;
  return name as Name;
}

/** The address and port that a handle has here. */
export function nameOf(handle: TcpHandle): Name | undefined {
  return ask(handle, 'getsockname');
}

/** Those of its peer; `undefined` for a listener, and for a connection that is no more. */
export function peerOf(handle: TcpHandle): Name | undefined {
  return ask(handle, 'getpeername');
}
