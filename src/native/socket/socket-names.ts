import { formatIPv4, formatIPv6 } from '../../wire/ip-address.js';
import { linuxCalls } from '../linux-calls.js';

/** The address and port of one end of a TCP socket. */
export interface SocketName {
  readonly address: string;
  readonly port: number;
}

/** include/linux/socket.h */
const AF_INET = 2;
const AF_INET6 = 10;

const name = new DataView(new ArrayBuffer(28));
const length = new Uint32Array(new ArrayBuffer(4));

const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * Decodes `struct sockaddr_in` or `struct sockaddr_in6` (include/uapi/linux/in.h, in6.h): the family at 0, the port at 2,
 * the address of IPv4 at 4, of IPv6 at 8.
 */
function decoded(): SocketName | undefined {
  const family = name.getUint16(0, isLittleEndian);
  const port = name.getUint16(2);
  if (family === AF_INET) return { address: formatIPv4(name.getUint32(4)), port };
  return family === AF_INET6 ? { address: formatIPv6(name, 8), port } : undefined;
}

function readName(call: 'getsockname' | 'getpeername', fd: number): SocketName | undefined {
  length[0] = name.byteLength;
  return linuxCalls()[call](fd, name, length) === 0 ? decoded() : undefined;
}

/** Returns the local address and port of a descriptor. Returns undefined if it is no internet socket. Linux only. */
export function localNameOf(fd: number): SocketName | undefined {
  return readName('getsockname', fd);
}

/** Returns the peer's address and port. Returns undefined if the descriptor has no peer. Linux only. */
export function peerNameOf(fd: number): SocketName | undefined {
  return readName('getpeername', fd);
}
