import { libc } from '../libc.js';
import { callInNativeThread } from '../thread/ask.js';
import { isForwarding } from '../thread/role.js';
import { type SocketOption, writeBytesOption, writeIntOption } from './socket-options.js';

/** include/uapi/asm-generic/socket.h */
const SO_ATTACH_FILTER: SocketOption = { name: 'SO_ATTACH_FILTER', level: 1, option: 26 };
const SO_DETACH_FILTER: SocketOption = { name: 'SO_DETACH_FILTER', level: 1, option: 27 };

/**
 * Attaches a classic BPF program to a socket, and replaces an earlier program.
 *
 * The value is include/uapi/linux/filter.h's `struct sock_fprog { unsigned short len; struct sock_filter *filter; }`
 * on a 64-bit machine. Newer kernels require CAP_NET_ADMIN on a TCP socket.
 *
 * @throws {SystemCallError} EPERM without CAP_NET_ADMIN, EINVAL if the kernel rejects the program.
 */
export function attachSocketFilter(fd: number, program: Uint8Array): void {
  if (isForwarding()) {
    callInNativeThread('attachSocketFilter', fd, program);
    return;
  }
  const value = new Uint8Array(16);
  const view = new DataView(value.buffer);
  view.setUint16(0, program.length / 8, true);
  view.setBigUint64(8, libc().addressOf(program), true);
  writeBytesOption(fd, SO_ATTACH_FILTER, value);
}

/** Detaches the program from a socket. */
export function detachSocketFilter(fd: number): void {
  writeIntOption(fd, SO_DETACH_FILTER, 0);
}
