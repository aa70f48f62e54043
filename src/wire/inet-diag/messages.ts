import type { Malformed } from '../netlink.js';

/** nlmsg_type, from include/uapi/linux/sock_diag.h (since Linux 3.3; SOCK_DESTROY since 4.5). */
export const SOCK_DIAG_BY_FAMILY = 20;
export const SOCK_DESTROY = 21;

/** nlmsg_type of the older request, from include/uapi/linux/inet_diag.h (since Linux 2.6.14). */
export const TCPDIAG_GETSOCK = 18;

/** Attributes of a request, from include/uapi/linux/inet_diag.h. */
export const INET_DIAG_REQ_BYTECODE = 1;

/** Attributes of a reply; bits of `extensions` request the first eight (since Linux 2.6.14 to 4.17). */
export const INET_DIAG_MEMINFO = 1;
export const INET_DIAG_INFO = 2;
export const INET_DIAG_CONG = 4;
export const INET_DIAG_TOS = 5;
export const INET_DIAG_TCLASS = 6;
export const INET_DIAG_SKMEMINFO = 7;
export const INET_DIAG_SHUTDOWN = 8;
export const INET_DIAG_SKV6ONLY = 11;
export const INET_DIAG_MARK = 15;
export const INET_DIAG_CLASS_ID = 17;
/** The cgroup2 that the socket was made in, eight bytes (since Linux 5.9). */
export const INET_DIAG_CGROUP_ID = 21;

/** Returns the bit that requests an attribute. */
export function extensionBit(attribute: number): number {
  return 1 << (attribute - 1);
}

/** include/linux/socket.h */
export const AF_INET = 2;
export const AF_INET6 = 10;
const IPPROTO_TCP = 6;

/** A cookie that matches every socket: INET_DIAG_NOCOOKIE in both halves. */
export const noCookie = 0xffff_ffff_ffff_ffffn;

/**
 * The identity of a socket, from include/uapi/linux/inet_diag.h (since Linux 2.6.14):
 *
 *     struct inet_diag_sockid {
 *       __be16 idiag_sport;      //  0
 *       __be16 idiag_dport;      //  2
 *       __be32 idiag_src[4];     //  4, an IPv4 address in the first
 *       __be32 idiag_dst[4];     // 20
 *       __u32  idiag_if;         // 36
 *       __u32  idiag_cookie[2];  // 40
 *     };
 */
export interface InetDiagSocketId {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Sixteen bytes; an IPv4 address is in the first four. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly interfaceIndex: number;
  readonly cookie: bigint;
}

/** The offsets of the fields of `struct inet_diag_sockid`, in bytes. */
export const inetDiagSockidOffsets = {
  idiag_sport: 0,
  idiag_dport: 2,
  idiag_src: 4,
  idiag_dst: 20,
  idiag_if: 36,
  idiag_cookie: 40,
} as const;

const socketIdLength = 48;

const anySocket: InetDiagSocketId = {
  sourcePort: 0,
  destinationPort: 0,
  source: new Uint8Array(16),
  destination: new Uint8Array(16),
  interfaceIndex: 0,
  cookie: noCookie,
};

function writeSocketId(bytes: Uint8Array, start: number, id: InetDiagSocketId): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = inetDiagSockidOffsets;
  view.setUint16(start + at.idiag_sport, id.sourcePort);
  view.setUint16(start + at.idiag_dport, id.destinationPort);
  bytes.set(id.source.subarray(0, 16), start + at.idiag_src);
  bytes.set(id.destination.subarray(0, 16), start + at.idiag_dst);
  view.setUint32(start + at.idiag_if, id.interfaceIndex, true);
  view.setBigUint64(start + at.idiag_cookie, id.cookie, true);
}

function readSocketId(view: DataView, start: number): InetDiagSocketId {
  const at = inetDiagSockidOffsets;
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  return {
    sourcePort: view.getUint16(start + at.idiag_sport),
    destinationPort: view.getUint16(start + at.idiag_dport),
    source: bytes.slice(start + at.idiag_src, start + at.idiag_src + 16),
    destination: bytes.slice(start + at.idiag_dst, start + at.idiag_dst + 16),
    interfaceIndex: view.getUint32(start + at.idiag_if, true),
    cookie: view.getBigUint64(start + at.idiag_cookie, true),
  };
}

/**
 * A request, from include/uapi/linux/inet_diag.h (since Linux 3.3), sent as SOCK_DIAG_BY_FAMILY or SOCK_DESTROY:
 *
 *     struct inet_diag_req_v2 {
 *       __u8  sdiag_family;          // 0
 *       __u8  sdiag_protocol;        // 1
 *       __u8  idiag_ext;             // 2
 *       __u8  pad;                   // 3
 *       __u32 idiag_states;          // 4
 *       struct inet_diag_sockid id;  // 8
 *     };
 */
export interface InetDiagRequest {
  readonly family: number;
  /** Default: TCP. */
  readonly protocol?: number;
  /** The requested attributes, as {@link extensionBit}s. */
  readonly extensions: number;
  /** A bit for each requested state. */
  readonly states: number;
  /** Default: any socket. In a dump, only ports other than 0 select; all fields select in a request for one socket. */
  readonly id?: InetDiagSocketId;
}

const requestLength = 8 + socketIdLength;

/** Encodes the payload of a request. */
export function encodeInetDiagRequest(request: InetDiagRequest): Uint8Array {
  const bytes = new Uint8Array(requestLength);
  bytes.set([request.family, request.protocol ?? IPPROTO_TCP, request.extensions]);
  new DataView(bytes.buffer).setUint32(4, request.states, true);
  writeSocketId(bytes, 8, request.id ?? anySocket);
  return bytes;
}

/** Decodes the payload of a request between `start` and `end`. */
export function decodeInetDiagRequest(
  view: DataView,
  start: number,
  end: number,
): Required<InetDiagRequest> | Malformed {
  if (Math.min(end, view.byteLength) - start < requestLength) return { what: 'a request is cut off', at: start };
  return {
    family: view.getUint8(start),
    protocol: view.getUint8(start + 1),
    extensions: view.getUint8(start + 2),
    states: view.getUint32(start + 4, true),
    id: readSocketId(view, start + 8),
  };
}

/**
 * Encodes the payload of the older request, from include/uapi/linux/inet_diag.h (since Linux 2.6.14), for TCPDIAG_GETSOCK:
 *
 *     struct inet_diag_req {
 *       __u8  idiag_family;          //  0
 *       __u8  idiag_src_len;         //  1
 *       __u8  idiag_dst_len;         //  2
 *       __u8  idiag_ext;             //  3
 *       struct inet_diag_sockid id;  //  4
 *       __u32 idiag_states;          // 52
 *       __u32 idiag_dbs;             // 56
 *     };
 *
 * This request lists IPv4 and IPv6 sockets in one pass of the kernel's table.
 */
export function encodeCompatRequest({ extensions, states }: { extensions: number; states: number }): Uint8Array {
  const bytes = new Uint8Array(60);
  bytes[3] = extensions;
  writeSocketId(bytes, 4, anySocket);
  new DataView(bytes.buffer).setUint32(52, states, true);
  return bytes;
}

/**
 * One socket, from include/uapi/linux/inet_diag.h (since Linux 2.6.14); attributes follow it:
 *
 *     struct inet_diag_msg {
 *       __u8  idiag_family;          //  0
 *       __u8  idiag_state;           //  1
 *       __u8  idiag_timer;           //  2, 1 retransmission, 2 keepalive, 3 TIME_WAIT, 4 window probe
 *       __u8  idiag_retrans;         //  3
 *       struct inet_diag_sockid id;  //  4
 *       __u32 idiag_expires;         // 52, milliseconds
 *       __u32 idiag_rqueue;          // 56
 *       __u32 idiag_wqueue;          // 60
 *       __u32 idiag_uid;             // 64
 *       __u32 idiag_inode;           // 68
 *     };
 */
export interface InetDiagMessage {
  readonly family: number;
  readonly state: number;
  readonly timer: number;
  readonly retransmits: number;
  readonly id: InetDiagSocketId;
  readonly expiresMs: number;
  readonly receiveQueue: number;
  readonly sendQueue: number;
  readonly uid: number;
  readonly inode: number;
}

/** The offsets of the fields of `struct inet_diag_msg`, in bytes. */
export const inetDiagMsgOffsets = {
  idiag_family: 0,
  idiag_state: 1,
  idiag_timer: 2,
  idiag_retrans: 3,
  id: 4,
  idiag_expires: 52,
  idiag_rqueue: 56,
  idiag_wqueue: 60,
  idiag_uid: 64,
  idiag_inode: 68,
} as const;

/** The length of `struct inet_diag_msg`, in bytes. Attributes follow the struct. */
export const inetDiagMessageLength = 72;

/** Decodes the reply between `start` and `end`, without the attributes, which begin at {@link inetDiagMessageLength}. */
export function decodeInetDiagMessage(view: DataView, start: number, end: number): InetDiagMessage | Malformed {
  if (Math.min(end, view.byteLength) - start < inetDiagMessageLength) {
    return { what: 'the description of a socket is cut off', at: start };
  }
  const at = inetDiagMsgOffsets;
  return {
    family: view.getUint8(start + at.idiag_family),
    state: view.getUint8(start + at.idiag_state),
    timer: view.getUint8(start + at.idiag_timer),
    retransmits: view.getUint8(start + at.idiag_retrans),
    id: readSocketId(view, start + at.id),
    expiresMs: view.getUint32(start + at.idiag_expires, true),
    receiveQueue: view.getUint32(start + at.idiag_rqueue, true),
    sendQueue: view.getUint32(start + at.idiag_wqueue, true),
    uid: view.getUint32(start + at.idiag_uid, true),
    inode: view.getUint32(start + at.idiag_inode, true),
  };
}

/** Encodes the payload of a reply, without attributes. */
export function encodeInetDiagMessage(message: InetDiagMessage): Uint8Array {
  const bytes = new Uint8Array(inetDiagMessageLength);
  const view = new DataView(bytes.buffer);
  const at = inetDiagMsgOffsets;
  bytes.set([message.family, message.state, message.timer, message.retransmits]);
  writeSocketId(bytes, at.id, message.id);
  view.setUint32(at.idiag_expires, message.expiresMs, true);
  view.setUint32(at.idiag_rqueue, message.receiveQueue, true);
  view.setUint32(at.idiag_wqueue, message.sendQueue, true);
  view.setUint32(at.idiag_uid, message.uid, true);
  view.setUint32(at.idiag_inode, message.inode, true);
  return bytes;
}
