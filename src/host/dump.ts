import { statSync } from 'node:fs';
import { type DiagnosisSocket, NetlinkSocket } from '../native/netlink-socket.js';
import { inNetworkNamespace, ownNamespacePath } from '../native/network-namespace.js';
import { type DiagFilter, encodeDiagFilter } from '../wire/inet-diag-filter.js';
import { stateMask, type TcpState } from '../wire/tcp-state.js';
import type { HostConnection, Incomplete } from './connection.js';
import { DumpReader } from './dump-reader.js';

/** The states of a connection that a process has, or that still has to be ended for it. */
export const liveStates: readonly TcpState[] = [
  'ESTABLISHED',
  'SYN_SENT',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'CLOSING',
];

/** Every state that the kernel lists: those, listeners, and what is left or not yet there of a connection. */
export const allStates: readonly TcpState[] = [...liveStates, 'LISTEN', 'SYN_RECV', 'TIME_WAIT'];

/** What is to be listed. */
export interface DumpQuery {
  /** {@link liveStates} unless stated. */
  readonly states?: readonly TcpState[];
  /** Whether to ask for TCP_INFO, which costs the kernel about as much again as the rest; not unless stated. */
  readonly info?: boolean;
  /** What the kernel is to leave out. */
  readonly filter?: DiagFilter;
}

/** What the kernel listed. */
export interface Dump {
  readonly connections: HostConnection[];
  /** How many times the list was read again because it changed while it was read (NLM_F_DUMP_INTR). */
  readonly interrupted: number;
  /** What is missing; also says so when the last reading was interrupted as well. */
  readonly incomplete: Incomplete[];
}

/** Opens a socket in the network namespace of the main thread; a test may stand in for it. */
export type OpenDiagnosisSocket = () => DiagnosisSocket;

const greatestAttempts = 4;

/** The inode of the network namespace that the main thread is in. */
export function currentNamespace(): number {
  return statSync(ownNamespacePath).ino;
}

/** A socket in a namespace, and the namespace's inode. */
export function openDiagnosisSocket(
  netns: string | number | undefined,
  open: OpenDiagnosisSocket,
): { socket: DiagnosisSocket; netns: number } {
  const here = () => {
    // First, because it is what says that this platform has no such thing.
    const socket = open();
    try {
      return { socket, netns: currentNamespace() };
    } catch (error) {
      socket.close();
      throw error;
    }
  };
  return netns === undefined ? here() : inNetworkNamespace(netns, here);
}

/**
 * Lists the TCP sockets of a network namespace, IPv4 and IPv6: this process's own, or the one at a path or of a process.
 *
 * `info` of a connection is decoded when it is asked for. This process's own namespace takes no privilege, another one
 * CAP_SYS_ADMIN.
 *
 * @throws {UnsupportedError} on other platforms, and on a kernel without inet_diag or without a condition of the filter;
 * {@link SystemCallError} as the kernel refuses it, and EPERM, EACCES or ENOENT for a namespace.
 */
export function dumpConnections(
  query: DumpQuery = {},
  netns?: string | number,
  open: OpenDiagnosisSocket = NetlinkSocket.open,
): Dump {
  const { states = liveStates, info = false, filter } = query;
  const bytecode = filter === undefined ? undefined : encodeDiagFilter(filter);
  const request = { states: stateMask(states), info, bytecode };
  const opened = openDiagnosisSocket(netns, open);
  try {
    for (let attempt = 1; ; attempt++) {
      const reader = new DumpReader(opened.socket, request, opened.netns, attempt);
      reader.read();
      const { connections, incomplete } = reader;
      if (!reader.interrupted) return { connections, interrupted: attempt - 1, incomplete };
      if (attempt < greatestAttempts) continue;
      const why = `the list changed each of the ${attempt} times that it was read (NLM_F_DUMP_INTR)`;
      incomplete.push({ what: 'connections that came or went meanwhile', why });
      return { connections, interrupted: attempt - 1, incomplete };
    }
  } finally {
    opened.socket.close();
  }
}
