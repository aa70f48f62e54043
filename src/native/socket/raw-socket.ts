import { libc } from '../libc.js';
import { checked, linuxCalls } from '../linux-calls.js';
import { OwnedDescriptor } from '../owned-descriptor.js';
import { type SocketOption, writeIntOption } from './socket-options.js';

/** include/linux/socket.h, include/uapi/linux/in.h */
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;

/** The program writes the IP header (IP_HDRINCL), and receives nothing: no packet has this protocol. */
const IPPROTO_RAW = 255;

/** include/uapi/asm-generic/socket.h; SO_BINDTOIFINDEX since Linux 5.1. */
const SO_MARK: SocketOption = { name: 'SO_MARK', level: 1, option: 36 };
const SO_BINDTOIFINDEX: SocketOption = { name: 'SO_BINDTOIFINDEX', level: 1, option: 62 };

/** include/uapi/linux/in.h and in6.h (since 4.15): the source may be an address of another machine, as a proxy uses. */
const IP_FREEBIND: SocketOption = { name: 'IP_FREEBIND', level: 0, option: 15 };
const IPV6_FREEBIND: SocketOption = { name: 'IPV6_FREEBIND', level: 41, option: 78 };

const IP_TOS: SocketOption = { name: 'IP_TOS', level: 0, option: 1 };
const IPV6_TCLASS: SocketOption = { name: 'IPV6_TCLASS', level: 41, option: 67 };

/** The facts that determine the route of a socket's packets. */
export interface RawSocketRoute {
  /** The source address of the packets: four bytes of IPv4 or sixteen of IPv6. */
  readonly source: Uint8Array;
  /** The interface that sends the packets; 0 for any. */
  readonly interfaceIndex: number;
  /** The mark that routing and firewall rules see. */
  readonly mark: number;
  /** The TOS byte or traffic class that routing rules see. */
  readonly trafficClass: number;
}

/** Returns the `struct sockaddr_in` or `sockaddr_in6` of an address, with port 0. */
function socketAddress(address: Uint8Array, interfaceIndex: number): Uint8Array {
  const isIPv4 = address.length === 4;
  const bytes = new Uint8Array(new ArrayBuffer(isIPv4 ? 16 : 28));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, isIPv4 ? AF_INET : AF_INET6, true);
  bytes.set(address, isIPv4 ? 4 : 8);
  if (!isIPv4) view.setUint32(24, interfaceIndex, true);
  return bytes;
}

/** A raw socket that sends whole IP packets, in the network namespace in which it was opened. */
export class RawSocket implements Disposable {
  readonly #descriptor: OwnedDescriptor;
  readonly #interfaceIndex: number;

  private constructor(descriptor: OwnedDescriptor, interfaceIndex: number) {
    this.#descriptor = descriptor;
    this.#interfaceIndex = interfaceIndex;
  }

  /**
   * Opens a raw socket.
   *
   * @throws {SystemCallError} EPERM without CAP_NET_RAW, and with a mark before Linux 5.17 without CAP_NET_ADMIN.
   * @throws {UnsupportedError} on other platforms, and if the FFI cannot be loaded.
   */
  static open({ source, interfaceIndex, mark, trafficClass }: RawSocketRoute): RawSocket {
    const isIPv4 = source.length === 4;
    const fd = checked(
      linuxCalls().socket(isIPv4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW),
      'socket(SOCK_RAW)',
      'the kernel did not open a raw socket: it takes CAP_NET_RAW',
    );
    const descriptor = new OwnedDescriptor(fd, 'raw socket');
    try {
      if (mark !== 0) writeIntOption(fd, SO_MARK, mark | 0);
      if (trafficClass !== 0) writeIntOption(fd, isIPv4 ? IP_TOS : IPV6_TCLASS, trafficClass);
      if (interfaceIndex !== 0) writeIntOption(fd, SO_BINDTOIFINDEX, interfaceIndex);
      writeIntOption(fd, isIPv4 ? IP_FREEBIND : IPV6_FREEBIND, 1);
      const address = socketAddress(source, interfaceIndex);
      checked(linuxCalls().bind(fd, address, address.length), 'bind(SOCK_RAW)', 'the source address was refused');
    } catch (error) {
      descriptor.close();
      throw error;
    }
    return new RawSocket(descriptor, interfaceIndex);
  }

  /**
   * Sends a packet without waiting.
   *
   * @throws {SystemCallError} EPERM if this machine's firewall drops the packet, ENETUNREACH or EHOSTUNREACH without a route.
   */
  send(packet: Uint8Array, destination: Uint8Array): void {
    const address = socketAddress(destination, this.#interfaceIndex);
    const sent = linuxCalls().sendto(
      this.#descriptor.fd,
      packet,
      packet.length,
      MSG_DONTWAIT,
      libc().addressOf(address),
      address.length,
    );
    checked(sent, 'sendto(SOCK_RAW)', 'the segment did not leave this machine');
  }

  [Symbol.dispose](): void {
    this.#descriptor.close();
  }
}
