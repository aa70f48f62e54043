import type net from 'node:net';
import { SystemCallError, UnsupportedError } from '../../native/index.js';
import { Server } from '../../node/classes.js';
import { type Handle, openDescriptor } from '../../node/handle.js';
import { type KeepAliveTarget, resolveTarget } from '../../socket/index.js';
import { readState } from '../../socket/options.js';
import { currentPlatform } from '../../socket/platforms/index.js';
import { lookAt, type Sight } from './sight.js';
import { bottomHandleOf, shared, Watched } from './watched.js';

function openHandleOf(socket: net.Socket): [Handle, number, Sight] {
  const handle = bottomHandleOf(socket);
  const fd = handle && openDescriptor(handle);
  const sight = fd === undefined ? undefined : lookAt(fd);
  if (handle === undefined || fd === undefined || sight === undefined) {
    throw new UnsupportedError('watching this stream', 'a TCP socket of the system');
  }
  return [handle, fd, sight];
}

/**
 * The socket of a target that can be watched, or that may turn out so once it is connected.
 *
 * @throws {SystemCallError} EBADF if the socket was destroyed, ENOTSOCK if it is no socket, ENOTCONN if it is a server.
 * @throws {UnsupportedError} if it is a unix-domain socket, and on other platforms than Linux.
 */
export function watchableSocket(target: KeepAliveTarget): net.Socket {
  const socket = resolveTarget(target, 'getsockopt');
  if (socket instanceof Server) {
    throw new SystemCallError('getsockopt', 'ENOTCONN', 'a server has no peer: add its connections, or watch all');
  }
  if (!socket.pending) openHandleOf(socket);
  return socket;
}

/**
 * What there is to know of a connected socket when its watch begins.
 *
 * @throws {UnsupportedError} if it is no TCP socket.
 */
export function watchedOn(socket: net.Socket): Watched {
  const [handle, fd, { state }] = openHandleOf(socket);
  return new Watched(socket, handle, shared(readState(fd, currentPlatform())), state);
}
