import { statSync } from 'node:fs';
import { inNetworkNamespace, ownNamespacePath } from '../../native/network-namespace.js';
import { type DiagnosisSocket, NetlinkSocket } from '../../native/socket/netlink-socket.js';
import { type DiagFilter, encodeDiagFilter } from '../../wire/inet-diag/filter.js';
import { stateMask, type TcpState } from '../../wire/tcp-info/state.js';
import { fromWorker, isWorker } from '../from-worker.js';
import type { HostConnection, Omission } from '../list/connection.js';
import { missedConnections } from './missed-sockets.js';
import { DumpReader } from './reader.js';
import { type DumpRequest, readReplies } from './reply-stream.js';

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
  /** Default: {@link liveStates}. */
  readonly states?: readonly TcpState[];
  /** Whether to ask for TCP_INFO, which takes the kernel about as long as the rest. Default: false. */
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
  readonly incomplete: Omission[];
  /** Whether the list was read to its end, and every socket in the list could be read. */
  readonly isWhole: boolean;
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

/** Reads the list once; ends with what there is, or with the error when there is nothing. */
function readOnce(socket: DiagnosisSocket, request: DumpRequest, sequence: number, netns: number) {
  const reader = new DumpReader(netns);
  const { interrupted, error } = readReplies(socket, request, sequence, reader);
  const { connections, incomplete, isInPieces } = reader;
  if (error !== undefined) {
    if (connections.length === 0) throw error;
    incomplete.push({ what: `the connections after the first ${connections.length}`, why: error.message });
  }
  return { connections, incomplete, interrupted, isWhole: error === undefined, isInPieces };
}

/** Reads the list until it holds still, and what it lacks because it changed unnoticed. */
function readList(socket: DiagnosisSocket, request: DumpRequest, netns: number): Dump {
  let attempt = 1;
  let reading = readOnce(socket, request, attempt, netns);
  while (reading.interrupted && attempt < greatestAttempts) reading = readOnce(socket, request, ++attempt, netns);
  const { connections, incomplete } = reading;
  const isWhole = incomplete.length === 0;
  const cameOrWent = 'connections that came or went meanwhile';
  if (reading.interrupted) {
    const why = `the list changed each of the ${attempt} times that it was read (NLM_F_DUMP_INTR)`;
    incomplete.push({ what: cameOrWent, why });
  }
  if (reading.isWhole && reading.isInPieces) {
    try {
      for (const missed of missedConnections(socket, request, attempt + 1, netns, connections))
        connections.push(missed);
    } catch (error) {
      incomplete.push({ what: cameOrWent, why: (error as Error).message });
    }
  }
  return { connections, interrupted: attempt - 1, incomplete, isWhole };
}

/**
 * Lists the TCP sockets of a network namespace, IPv4 and IPv6: this process's own, or the one at a path or of a process.
 *
 * `info` of a connection is decoded when it is asked for. This process's own namespace takes no privilege, another one
 * CAP_SYS_ADMIN.
 *
 * @throws {UnsupportedError} on other platforms, and on a kernel without inet_diag or without a condition of the filter;
 * {@link SystemCallError} if the kernel refuses it, and EPERM, EACCES or ENOENT for a namespace.
 */
export function dumpConnections(
  query: DumpQuery = {},
  netns?: string | number,
  open: OpenDiagnosisSocket = NetlinkSocket.open,
): Dump {
  if (isWorker() && open === NetlinkSocket.open) return fromWorker('dumpConnections', [query, netns]);
  const { states = liveStates, info = false, filter } = query;
  const bytecode = filter === undefined ? undefined : encodeDiagFilter(filter);
  const request = { states: stateMask(states), info, bytecode };
  const opened = openDiagnosisSocket(netns, open);
  try {
    return readList(opened.socket, request, opened.netns);
  } finally {
    opened.socket.close();
  }
}
