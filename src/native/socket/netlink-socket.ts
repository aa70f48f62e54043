import { codeOfErrno, SystemCallError, UnsupportedError } from '../errors.js';
import { libc } from '../libc.js';
import { checked, linuxCalls } from '../linux-calls.js';
import { assertOwnNamespace } from '../network-namespace.js';
import { OwnedDescriptor } from '../owned-descriptor.js';
import { type SocketOption, writeBytesOption, writeIntOption } from './socket-options.js';

/** include/linux/socket.h, include/uapi/linux/netlink.h (NETLINK_SOCK_DIAG since Linux 3.3, as INET_DIAG since 2.6.14). */
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_SOCK_DIAG = 4;
const MSG_TRUNC = 0x20;

/** include/uapi/asm-generic/socket.h */
const SO_RCVBUF: SocketOption = { name: 'SO_RCVBUF', level: 1, option: 8 };
const SO_RCVTIMEO: SocketOption = { name: 'SO_RCVTIMEO', level: 1, option: 20 };

/**
 * The length of a receive buffer: netlink(7) returns at most this much of a dump at once, and no more than the buffer
 * holds (net/netlink/af_netlink.c, `SKB_WITH_OVERHEAD(32768)`).
 */
export const netlinkBufferLength = 32_768;

/** The bytes for the replies to many requests that were sent together. */
const receiveBufferLength = 1 << 20;

/** The kernel replies while it handles the call. The timeout only keeps a broken kernel from blocking the process. */
const receiveTimeoutSeconds = 5;

/** The part of a socket that a dump uses, so that a test can replace the kernel. */
export interface DiagnosisSocket {
  /** Sends one or more messages. */
  send(messages: Uint8Array): void;
  /** Receives into the beginning of `buffer`. Returns the number of bytes. */
  receive(buffer: Uint8Array): number;
  close(): void;
}

/** A netlink socket for requests about sockets, in the network namespace in which it was opened. */
export class NetlinkSocket implements DiagnosisSocket {
  readonly #descriptor: OwnedDescriptor;

  private constructor(descriptor: OwnedDescriptor) {
    this.#descriptor = descriptor;
  }

  /**
   * Opens a netlink socket.
   *
   * @throws {UnsupportedError} on other platforms, and on a kernel without the protocol.
   * @throws {SystemCallError} if the kernel refuses the socket.
   * @throws {NamespaceReturnError} if this thread could not return to its own network namespace.
   */
  static open(): NetlinkSocket {
    assertOwnNamespace();
    const fd = linuxCalls().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0) throw openingFailure(codeOfErrno(libc().errno()));
    const descriptor = new OwnedDescriptor(fd, 'netlink socket');
    try {
      writeIntOption(fd, SO_RCVBUF, receiveBufferLength);
      // struct timeval { long tv_sec; long tv_usec; } on a 64-bit machine.
      writeBytesOption(fd, SO_RCVTIMEO, new Uint8Array(BigInt64Array.of(BigInt(receiveTimeoutSeconds), 0n).buffer));
    } catch (error) {
      descriptor.close();
      throw error;
    }
    return new NetlinkSocket(descriptor);
  }

  send(messages: Uint8Array): void {
    const sent = linuxCalls().send(this.#descriptor.fd, messages, messages.length, 0);
    checked(sent, 'send(netlink)', `the kernel refused a request of ${messages.length} bytes`);
  }

  receive(buffer: Uint8Array): number {
    for (;;) {
      const received = linuxCalls().recv(this.#descriptor.fd, buffer, buffer.length, MSG_TRUNC);
      if (received > buffer.length) {
        const detail = `a reply of ${received} bytes does not fit into a buffer of ${buffer.length}`;
        throw new SystemCallError('recv(netlink)', 'EMSGSIZE', detail);
      }
      if (received >= 0) return received;
      const code = codeOfErrno(libc().errno());
      // A signal handler ran on this thread, and nothing was received.
      if (code === 'EINTR') continue;
      const timedOut = code === 'EAGAIN' ? ` within ${receiveTimeoutSeconds} s` : '';
      throw new SystemCallError('recv(netlink)', code, `no reply of the kernel could be received${timedOut}`);
    }
  }

  close(): void {
    this.#descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function openingFailure(code: string): Error {
  const cause = new SystemCallError('socket(NETLINK_SOCK_DIAG)', code, 'the kernel did not open a netlink socket');
  if (code !== 'EPROTONOSUPPORT' && code !== 'EAFNOSUPPORT') return cause;
  return new UnsupportedError("listing the machine's connections", 'a kernel with socket diagnosis (inet_diag)', cause);
}
