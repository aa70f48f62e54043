import net from 'node:net';
import { SystemCallError, UnsupportedError } from '../../native/index.js';
import { type KeepAliveTarget, resolveTarget } from '../../socket/index.js';
import { readState } from '../../socket/options.js';
import { currentPlatform } from '../../socket/platforms/index.js';
import { type Handle, openDescriptor } from '../../socket/target.js';
import { lookAt } from './sight.js';
import { bottomHandleOf, shared, Watched } from './watched.js';

function openHandleOf(socket: net.Socket): [Handle, number] {
  const handle = bottomHandleOf(socket);
  const fd = handle && openDescriptor(handle);
  if (handle === undefined || fd === undefined || lookAt(fd) === undefined) {
    throw new UnsupportedError('watching this stream', 'a TCP socket of the system');
  }
  return [handle, fd];
}

/**
 * The socket of a target that can be watched, or that may turn out so once it is connected.
 *
 * @throws {SystemCallError} EBADF for a destroyed socket, ENOTSOCK for what is none, ENOTCONN for a server.
 * @throws {UnsupportedError} for a unix-domain socket, and on other platforms than Linux.
 */
export function watchableSocket(target: KeepAliveTarget): net.Socket {
  const socket = resolveTarget(target, 'getsockopt');
  if (socket instanceof net.Server) {
    throw new SystemCallError('getsockopt', 'ENOTCONN', 'a server has no peer: add its connections, or watch all');
  }
  if (!socket.pending) openHandleOf(socket);
  return socket;
}

/**
 * Has a connection be watched where there is nobody to throw to, in the program's own call or in a listener: a stream
 * that cannot be watched is none of the watch's business, and what the kernel refuses becomes a warning.
 */
export function quietly(watch: () => void): void {
  try {
    watch();
  } catch (error) {
    if (error instanceof SystemCallError) process.emitWarning(error.message, 'KeepAliveWarning');
    else if (!(error instanceof UnsupportedError)) throw error;
  }
}

/**
 * What there is to know of a connected socket when its watch begins.
 *
 * @throws {UnsupportedError} for what is no TCP socket.
 */
export function watchedOn(socket: net.Socket): Watched {
  const [handle, fd] = openHandleOf(socket);
  return new Watched(socket, handle, shared(readState(fd, currentPlatform())));
}
