/**
 * The kernel's own answers, asked for without the code under test.
 *
 * Numbers are from include/uapi/linux/tcp.h and asm-generic/socket.h, x86-64 and arm64 alike.
 */

import { existsSync } from 'node:fs';
import type net from 'node:net';
import koffi from 'koffi';
import type { KeepAliveState } from '../../src/index.js';

const library = koffi.load(null);
const getsockopt = library.func('int getsockopt(int, int, int, void *, void *)');
const setsockopt = library.func('int setsockopt(int, int, int, const void *, uint32_t)');
const fcntl = library.func('int fcntl(int, int, ...)');
const close = library.func('int close(int)');
const socket = library.func('int socket(int, int, int)');
const bind = library.func('int bind(int, const void *, uint32_t)');
const listen = library.func('int listen(int, int)');
const getsockname = library.func('int getsockname(int, void *, void *)');
const syscall = library.func('long syscall(long, ...)');

export const article: KeepAliveState = { enabled: true, idle: 30000, interval: 5000, count: 3, userTimeout: 0 };

function succeed(name: string, result: number): number {
  if (result < 0) throw new Error(`${name}: errno ${koffi.errno()}`);
  return result;
}

function getOption(fd: number, level: number, option: number): number {
  const value = new Int32Array(1);
  succeed('getsockopt', getsockopt(fd, level, option, value, new Uint32Array([4])));
  return value[0] as number;
}

export function setOption(fd: number, level: number, option: number, value: number): void {
  succeed('setsockopt', setsockopt(fd, level, option, new Int32Array([value]), 4));
}

/** SO_LINGER, on: closing the descriptor waits `seconds`, and with 0 sends RST at once, also under TLS. */
export function setLinger(fd: number, seconds: number): void {
  succeed('setsockopt', setsockopt(fd, 1, 13, new Int32Array([1, seconds]), 8));
}

/** Whether this kernel has TCP_RTO_MAX_MS (Linux 6.15). */
export const hasRtoMax = existsSync('/proc/sys/net/ipv4/tcp_rto_max_ms');

export function kernelState(fd: number): KeepAliveState {
  const rtoMax = hasRtoMax ? getOption(fd, 6, 44) : 120_000;
  return {
    enabled: getOption(fd, 1, 9) === 1,
    idle: getOption(fd, 6, 4) * 1000,
    interval: getOption(fd, 6, 5) * 1000,
    count: getOption(fd, 6, 6),
    userTimeout: getOption(fd, 6, 18),
    ...(rtoMax === 120_000 ? {} : { rtoMax }),
  };
}

/** The descriptor that Node.js keeps under a socket or server. */
export function fdOf(endpoint: net.Socket | net.Server): number {
  const { _handle: handle } = endpoint as unknown as { _handle: { fd: number } | null };
  if (handle === null || !(handle.fd >= 0)) throw new Error('no descriptor');
  return handle.fd;
}

export function kernelStateOf(endpoint: net.Socket | net.Server): KeepAliveState {
  return kernelState(fdOf(endpoint));
}

/** tcpi_state: 1 is ESTABLISHED, 2 SYN_SENT, 10 LISTEN. */
export function tcpState(fd: number): number {
  const bytes = new Uint8Array(8);
  succeed('getsockopt', getsockopt(fd, 6, 11, bytes, new Uint32Array([8])));
  return bytes[0] as number;
}

/** How many packets for this socket the kernel has dropped, for IP_MINTTL or IPV6_MINHOPCOUNT among others: SO_MEMINFO. */
export function packetsDropped(fd: number): number {
  const values = new Uint32Array(9);
  succeed('getsockopt', getsockopt(fd, 1, 55, values, new Uint32Array([values.byteLength])));
  return values[8] as number;
}

/** Descriptor status flags, fcntl(F_GETFL). */
export function statusFlags(fd: number): number {
  return succeed('fcntl', fcntl(fd, 3, 'int', 0));
}

export function closeDescriptor(fd: number): void {
  succeed('close', close(fd));
}

export interface RawListener {
  readonly fd: number;
  readonly port: number;
  [Symbol.dispose](): void;
}

/** A listener on 127.0.0.1 that nobody accepts from. Its queue holds `backlog` + 1 connections. */
export function rawListener(backlog: number): RawListener {
  const fd = succeed('socket', socket(2, 1 | 0o2000000, 0));
  const address = new Uint8Array(16);
  const view = new DataView(address.buffer);
  view.setUint16(0, 2, true);
  address.set([127, 0, 0, 1], 4);
  succeed('bind', bind(fd, address, address.length));
  succeed('listen', listen(fd, backlog));
  succeed('getsockname', getsockname(fd, address, new Uint32Array([16])));
  return { fd, port: view.getUint16(2), [Symbol.dispose]: () => closeDescriptor(fd) };
}

/** A descriptor of one of our kind that is no stream socket: `udp`, or an unconnected unix-domain socket. */
export function rawSocket(kind: 'udp' | 'unix'): number {
  return succeed('socket', kind === 'udp' ? socket(2, 2 | 0o2000000, 0) : socket(1, 1 | 0o2000000, 0));
}

/** A copy of another process's descriptor: pidfd_open(2) (since 5.3) and pidfd_getfd(2) (since 5.6). */
export function duplicateDescriptor(pid: number, fd: number): number {
  const pidfd = succeed('pidfd_open', syscall(434, 'int', pid, 'uint', 0));
  try {
    return succeed('pidfd_getfd', syscall(438, 'int', pidfd, 'int', fd, 'uint', 0));
  } finally {
    closeDescriptor(pidfd);
  }
}
