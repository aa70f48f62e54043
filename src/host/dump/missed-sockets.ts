import type { DiagnosisSocket } from '../../native/socket/netlink-socket.js';
import {
  decodeInetDiagMessage,
  encodeInetDiagRequest,
  extensionBit,
  INET_DIAG_INFO,
  type InetDiagMessage,
  inetDiagMsgOffsets,
  inetDiagSockidOffsets,
  SOCK_DIAG_BY_FAMILY,
} from '../../wire/inet-diag/messages.js';
import { encodeMessage, NLM_F_REQUEST } from '../../wire/netlink.js';
import { stateMask } from '../../wire/tcp-info/state.js';
import type { HostConnection } from '../list/connection.js';
import { DumpReader } from './reader.js';
import { type DumpRequest, readReplies } from './reply-stream.js';
import { requestEach } from './request-batch.js';

const atCookie = inetDiagMsgOffsets.id + inetDiagSockidOffsets.idiag_cookie;

/** Reads the list again. Returns the sockets that are not among `known`, by cookie. */
function readUnknown(socket: DiagnosisSocket, request: DumpRequest, sequence: number, known: ReadonlySet<bigint>) {
  const unknown = new Map<bigint, InetDiagMessage>();
  const { error } = readReplies(socket, { ...request, info: false }, sequence, {
    onAnswer() {},
    onSocket(view, { start, end }) {
      if (end - start < atCookie + 8) return;
      const cookie = view.getBigUint64(start + atCookie, true);
      if (known.has(cookie)) return;
      const message = decodeInetDiagMessage(view, start, end);
      if (!('what' in message)) unknown.set(cookie, message);
    },
  });
  if (error !== undefined) throw error;
  return [...unknown.values()];
}

/** How the kernel names a socket. */
export type SocketName = Pick<InetDiagMessage, 'family' | 'id'>;

/** Asks the kernel to describe sockets one by one. Leaves out sockets that are gone. */
export function describeSockets(
  socket: DiagnosisSocket,
  info: boolean,
  sockets: readonly SocketName[],
  netns: number,
): HostConnection[] {
  const extensions = info ? extensionBit(INET_DIAG_INFO) : 0;
  const reader = new DumpReader(netns);
  requestEach(socket, {
    name: 'inet_diag',
    subjects: sockets,
    encode: ({ family, id }, sequence) =>
      encodeMessage({
        type: SOCK_DIAG_BY_FAMILY,
        flags: NLM_F_REQUEST,
        sequence,
        payload: encodeInetDiagRequest({ family, extensions, states: 0, id }),
      }),
    onAnswer(_, view, message) {
      if (message.type !== SOCK_DIAG_BY_FAMILY) return;
      // What TCP_INFO says is decoded from the bytes later, when others have taken their place.
      const bytes = new Uint8Array(view.buffer).slice(message.start, message.end);
      reader.onSocket(new DataView(bytes.buffer), { ...message, start: 0, end: bytes.length });
    },
  });
  return reader.connections;
}

function endsOf({ local, remote, interfaceIndex }: HostConnection): string {
  return `${local.address} ${local.port} ${remote.address} ${remote.port} ${interfaceIndex}`;
}

/**
 * Returns the sockets that the kernel passed over in a list of several replies.
 *
 * After each reply, the kernel continues at a position in a chain of its hash table. A socket that leaves the chain between
 * two replies makes the kernel pass over another socket, which was in the chain all the time
 * (net/ipv4/inet_diag.c, `inet_diag_dump_icsk`: `s_num`). A second reading breaks off at other positions. A socket that only
 * the second reading has is asked for by its cookie.
 *
 * @throws {SystemCallError} if the kernel falls silent, or its message cannot be read.
 */
export function missedConnections(
  socket: DiagnosisSocket,
  request: DumpRequest,
  sequence: number,
  netns: number,
  listed: readonly HostConnection[],
): HostConnection[] {
  const unknown = readUnknown(socket, request, sequence, new Set(listed.map(({ cookie }) => cookie)));
  if (unknown.length === 0) return [];
  const ends = new Set(listed.map(endsOf));
  return describeSockets(socket, request.info, unknown, netns).filter((connection) => {
    if ((stateMask([connection.state]) & request.states) === 0) return false;
    // A connection gets another cookie as it is established and as it enters TIME_WAIT; listeners share their ends.
    return connection.state === 'LISTEN' || !ends.has(endsOf(connection));
  });
}
