import type { Endpoint } from '../../wire/endpoint.js';
import type { TcpInfo, TcpState } from '../../wire/tcp-info/decode.js';

/** What the kernel's timer on a connection is for. */
export type TimerKind = 'retransmission' | 'keepalive' | 'timewait' | 'persist';

/** One TCP socket of the machine, as the kernel's socket diagnosis (inet_diag) reports it. */
export interface HostConnection {
  /** The address family of the socket: 6 also for one that carries IPv4-mapped addresses. */
  readonly family: 4 | 6;
  /** Shows an IPv4-mapped address as IPv4. */
  readonly local: Endpoint;
  /** Shows an IPv4-mapped address as IPv4. */
  readonly remote: Endpoint;
  readonly state: TcpState;
  readonly timer: { readonly kind: TimerKind; readonly expiresMs: number } | null;
  /**
   * Unanswered probes or retransmissions. Without a running timer, the probes of TCP_INFO: the kernel keeps their number
   * while keepalive is off.
   */
  readonly unanswered: number;
  /** Bytes received and not read; of a listener, connections waiting to be accepted. */
  readonly receiveQueue: number;
  /** Bytes sent and not acknowledged, or not yet sent; of a listener, the length of its queue. */
  readonly sendQueue: number;
  readonly uid: number;
  /** The socket's inode, which /proc/PID/fd names; 0 once no process has it. */
  readonly inode: number;
  /** The kernel's own name for the socket, never used twice; identifies it across calls. */
  readonly cookie: bigint;
  /** The network interface's index in the socket's own terms, 0 unless it is bound to one. */
  readonly interfaceIndex: number;
  /** The cgroup2 that the socket was made in (since Linux 5.9). */
  readonly cgroupId: bigint | undefined;
  /** What TCP_INFO says; `undefined` for TIME_WAIT and SYN_RECV, and where it was not asked for. */
  readonly info: TcpInfo | undefined;
  /** The inode of the network namespace (as in /proc/PID/ns/net). */
  readonly netns: number;
}

/** Something that could not be shown, and why. */
export interface Omission {
  readonly what: string;
  readonly why: string;
}
