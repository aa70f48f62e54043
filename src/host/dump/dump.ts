import { statSync } from 'node:fs';
import { inNetworkNamespace, ownNamespacePath } from '../../native/network-namespace.js';
import { type DiagnosisSocket, NetlinkSocket } from '../../native/socket/netlink-socket.js';
import { OptionsCheck } from '../../policy/options-check.js';
import { type DiagFilter, encodeDiagFilter, isDiagFilter } from '../../wire/inet-diag/filter.js';
import { stateMask, type TcpState, tcpStates } from '../../wire/tcp-info/state.js';
import { fromWorker, isWorker } from '../from-worker.js';
import type { HostConnection, Omission } from '../list/connection.js';
import { missedConnections } from './missed-sockets.js';
import { DumpReader } from './reader.js';
import { type DumpRequest, readReplies } from './reply-stream.js';

/** The states of a connection that a process has, or that still has to be ended for it. */
export const liveStates: readonly TcpState[] = Object.freeze<TcpState[]>([
  'ESTABLISHED',
  'SYN_SENT',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'CLOSING',
]);

/** Every state that the kernel lists: those, listeners, and what is left or not yet there of a connection. */
export const allStates: readonly TcpState[] = Object.freeze<TcpState[]>([
  ...liveStates,
  'LISTEN',
  'SYN_RECV',
  'TIME_WAIT',
]);

/** Which sockets to list, and how. */
export interface DumpQuery {
  /** @default {@link liveStates} */
  readonly states?: readonly TcpState[];
  /**
   * Also reads TCP_INFO, which takes the kernel about as long as the rest.
   *
   * @default false
   */
  readonly info?: boolean;
  /** The condition under which the kernel lists a socket. Default: it lists all. */
  readonly filter?: DiagFilter;
  /**
   * Also finds sockets that the kernel passed over, by a second reading of a list that came in several pieces. While the
   * kernel writes a list, a socket that leaves its chain of the hash table makes the kernel pass over another one.
   *
   * @default false
   */
  readonly findMissed?: boolean;
  /** The network namespace: a path, or the id of a process in it. Default: this process's own. */
  readonly netns?: string | number;
}

/** The sockets that the kernel listed. */
export interface Dump {
  readonly connections: HostConnection[];
  /** How many times the list was read again because it changed while it was read (NLM_F_DUMP_INTR). */
  readonly interrupted: number;
  /** What is missing; also says so when the last reading was interrupted as well. */
  readonly incomplete: Omission[];
  /** Whether the list was read to its end, and every socket in the list could be read. */
  readonly isWhole: boolean;
}

/** Opens a socket in the network namespace of the calling thread. */
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

/** Reads the list until it holds still, and the sockets that the kernel passed over if `findMissed`. */
function readList(socket: DiagnosisSocket, request: DumpRequest, netns: number, findMissed: boolean): Dump {
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
  if (findMissed && reading.isWhole && reading.isInPieces) {
    try {
      for (const missed of missedConnections(socket, request, attempt + 1, netns, connections))
        connections.push(missed);
    } catch (error) {
      incomplete.push({ what: cameOrWent, why: (error as Error).message });
    }
  }
  return { connections, interrupted: attempt - 1, incomplete, isWhole };
}

const queryNames: readonly (keyof DumpQuery)[] = ['states', 'info', 'filter', 'findMissed', 'netns'];

/** Lists sockets through a socket that `open` opens. */
export function dumpThrough(open: OpenDiagnosisSocket, query: DumpQuery): Dump {
  const { states = liveStates, info = false, filter, findMissed = false, netns } = query;
  const bytecode = filter === undefined ? undefined : encodeDiagFilter(filter);
  const request = { states: stateMask(states), info, bytecode };
  const opened = openDiagnosisSocket(netns, open);
  try {
    return readList(opened.socket, request, opened.netns, findMissed);
  } finally {
    opened.socket.close();
  }
}

/**
 * Lists the TCP sockets of one network namespace, IPv4 and IPv6, as the kernel has them.
 *
 * Blocks the thread for 1 to 1.75 us a socket. Decodes `info` of a connection when it is read. This process's own namespace
 * takes no privilege, another namespace takes CAP_SYS_ADMIN. Linux.
 *
 * @example
 * const { connections } = dumpConnections({ states: ['ESTABLISHED'], info: true });
 * @throws {ConfigurationError} if a name or value in the query is wrong.
 * @throws {UnsupportedError} on other platforms, and if the kernel has no inet_diag or lacks a condition of the filter.
 * @throws {SystemCallError} if the kernel refuses the list; EPERM, EACCES or ENOENT for a namespace.
 */
export function dumpConnections(query: DumpQuery = {}): Dump {
  assertDumpQuery(query);
  if (isWorker()) return fromWorker('dumpConnections', [query]);
  return dumpThrough(NetlinkSocket.open, query);
}

function assertDumpQuery(query: DumpQuery): void {
  const check = new OptionsCheck('dumpConnections', query, queryNames);
  check.booleans('info', 'findMissed');
  check.eachOf('states', tcpStates);
  checkNetns(check, query);
  if (query.filter !== undefined && !isDiagFilter(query.filter)) check.refuse('filter', 'a DiagFilter');
}

/** Refuses a namespace that is neither a path nor the id of a process. */
export function checkNetns(check: OptionsCheck, { netns }: Pick<DumpQuery, 'netns'>): void {
  if (netns === undefined || typeof netns === 'string' || (Number.isSafeInteger(netns) && netns > 0)) return;
  check.refuse('netns', "a path such as '/run/netns/blue', or the id of a process");
}
