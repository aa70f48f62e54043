import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type net from 'node:net';

/** One row of /proc/net/tcp: an IPv4 socket as the kernel lists it. */
export interface KernelRow {
  /** As the kernel writes it: `01` is ESTABLISHED. */
  readonly state: string;
  readonly timer: 'none' | 'retransmit' | 'keepalive' | 'time-wait' | 'probe';
  readonly expiresMs: number;
  readonly inode: string;
}

/** net/ipv4/tcp_ipv4.c, get_tcp4_sock(): the field `timer_active`. */
const timers = ['none', 'retransmit', 'keepalive', 'time-wait', 'probe'] as const;

/** /proc/net/tcp counts time in USER_HZ, 100 to the second on every Linux that Node.js runs on. */
const userTickMs = 10;

function hexAddress(address: string, port: number): string {
  const bytes = address.split('.').reverse();
  const digits = bytes.map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return `${digits.join('')}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
}

/** Finds the kernel's row for a connection by its two ends, or `undefined` when the kernel has none. */
export function findKernelRow(ends: ConnectionEnds): KernelRow | undefined {
  const local = hexAddress(ends.localAddress, ends.localPort);
  const remote = hexAddress(ends.remoteAddress, ends.remotePort);
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
    const [, from, to, state = '', , timer = '', , , , inode = ''] = line.trim().split(/\s+/);
    if (from !== local || to !== remote) continue;
    const [kind, expires] = timer.split(':').map((digits) => Number.parseInt(digits, 16));
    return { state, timer: timers[kind ?? 0] ?? 'none', expiresMs: (expires ?? 0) * userTickMs, inode };
  }
  return undefined;
}

/** The addresses of a connection's ends, which a socket forgets when it is destroyed. */
export interface ConnectionEnds {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** The two ends of a connected IPv4 socket. */
export function endsOf(socket: net.Socket): ConnectionEnds {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (!localAddress || !localPort || !remoteAddress || !remotePort) throw new Error('the socket is not connected');
  return { localAddress, localPort, remoteAddress, remotePort };
}

/** The kernel's row for a connected socket. */
export function kernelRow(socket: net.Socket): KernelRow {
  const row = findKernelRow(endsOf(socket));
  if (row === undefined) throw new Error('the kernel does not list the connection');
  return row;
}

/** The inodes of the sockets that this process holds open. */
export function openSocketInodes(): string[] {
  const inodes: string[] = [];
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
      if (inode !== undefined) inodes.push(inode);
    } catch {
      // The descriptor of the directory listing itself is closed by now.
    }
  }
  return inodes;
}
