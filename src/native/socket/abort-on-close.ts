import { codeOfErrno } from '../errors.js';
import { readIntOption, type SocketOption, writeBytesOption } from './socket-options.js';

/** include/uapi/asm-generic/socket.h, on Linux. */
const SO_LINGER: SocketOption = { name: 'SO_LINGER', level: 1, option: 13 };
const SO_ERROR: SocketOption = { name: 'SO_ERROR', level: 1, option: 4 };

/**
 * Makes the kernel abort a connection when its descriptor is closed: the kernel drops unsent data, and sends RST
 * instead of FIN (net/ipv4/tcp.c, `__tcp_close`, for `struct linger { int l_onoff, l_linger }` of 1 and 0).
 *
 * @throws {SystemCallError} if the kernel refuses the option.
 */
export function abortOnClose(fd: number): void {
  writeBytesOption(fd, SO_LINGER, new Uint8Array(new Int32Array([1, 0]).buffer));
}

/**
 * Takes the error that ended a connection, such as `'ETIMEDOUT'`. The kernel reports the error once: to this call, or to
 * the next read or write. Returns undefined if there is no error, or if another call has taken the error.
 */
export function takeSocketError(fd: number): string | undefined {
  const errno = readIntOption(fd, SO_ERROR);
  return errno === 0 ? undefined : codeOfErrno(errno);
}
