import type net from 'node:net';
import { isIPv4 } from 'node:net';
import { SystemCallError, UnsupportedError } from '../native/errors.js';
import { type SocketOption, writeIntOption } from '../native/socket/socket-options.js';
import { descriptorOf } from '../node/handle.js';
import { resolveTarget } from '../socket/target.js';

/** include/uapi/linux/in.h (since 2.6.34) and in6.h (since 2.6.35): packets with a lower TTL are dropped on arrival. */
const IP_MINTTL: SocketOption = { name: 'IP_MINTTL', level: 0, option: 21 };
const IPV6_MINHOPCOUNT: SocketOption = { name: 'IPV6_MINHOPCOUNT', level: 41, option: 73 };

/** No packet that crossed the loopback device or a router has this TTL: Linux sends with 64. */
const greatestTtl = 255;

/**
 * Returns the descriptor of a connected socket.
 *
 * @throws {SystemCallError} ENOTCONN if the socket is not connected.
 * @throws {UnsupportedError} on platforms other than Linux.
 */
export function connectedDescriptor(socket: net.Socket): number {
  if (process.platform !== 'linux') throw new UnsupportedError('the testing kit', 'Linux');
  resolveTarget(socket);
  const fd = descriptorOf(socket);
  if (fd === undefined || socket.remoteAddress === undefined) {
    throw new SystemCallError('setsockopt', 'ENOTCONN', "the socket must be connected: wait for its 'connect' event");
  }
  return fd;
}

/** Returns whether the packets of a connection are IPv4: also on an IPv6 socket with a mapped address. */
function usesIPv4(socket: net.Socket): boolean {
  const address = socket.remoteAddress as string;
  return isIPv4(address) || address.toLowerCase().startsWith('::ffff:');
}

type Reception = 'accept' | 'drop';

/** Makes the kernel drop, or accept again, every packet that arrives for a descriptor's socket. */
export function setReceptionOf(fd: number, protocol: 'IPv4' | 'IPv6', reception: Reception): void {
  const option = protocol === 'IPv4' ? IP_MINTTL : IPV6_MINHOPCOUNT;
  writeIntOption(fd, option, reception === 'drop' ? greatestTtl : 0);
}

/** Makes the kernel drop, or accept again, every packet that arrives for a socket. Needs no privileges. */
export function setReception(socket: net.Socket, reception: Reception): void {
  const fd = connectedDescriptor(socket);
  setReceptionOf(fd, usesIPv4(socket) ? 'IPv4' : 'IPv6', reception);
}

/** Makes a socket accept packets again, if it is still open. */
export function restoreReception(socket: net.Socket): void {
  if (!socket.destroyed && descriptorOf(socket) !== undefined) setReception(socket, 'accept');
}
