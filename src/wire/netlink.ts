/**
 * One message of netlink(7), from include/uapi/linux/netlink.h (since Linux 2.2):
 *
 *     struct nlmsghdr {
 *       __u32 nlmsg_len;    //  0, with this header, without the padding to four bytes that follows
 *       __u16 nlmsg_type;   //  4
 *       __u16 nlmsg_flags;  //  6
 *       __u32 nlmsg_seq;    //  8
 *       __u32 nlmsg_pid;    // 12
 *     };
 */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly portId: number;
  /** The offsets of the payload in the buffer. */
  readonly start: number;
  readonly end: number;
}

/** The fault of a message or attribute, and its offset in the buffer. */
export interface Malformed {
  readonly what: string;
  readonly at: number;
}

/** NLMSG_HDRLEN */
export const netlinkHeaderLength = 16;

/** nlmsg_type */
export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

/** nlmsg_flags */
export const NLM_F_REQUEST = 0x1;
export const NLM_F_MULTI = 0x2;
export const NLM_F_ACK = 0x4;
/** The reply is inconsistent, because the listed objects changed meanwhile (since Linux 3.1). */
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x300;

/** Returns a length padded to four bytes (NLMSG_ALIGN, NLA_ALIGN). */
export function aligned(length: number): number {
  return (length + 3) & ~3;
}

type Mutable<Type> = { -readonly [Field in keyof Type]: Type[Field] };

/**
 * Calls `visit` for each complete message between `start` and `end`, with the same object each time. Stops if `visit`
 * returns false. Returns the fault of the first malformed message, or undefined if there is none.
 */
export function readMessages(
  view: DataView,
  start: number,
  end: number,
  visit: (message: NetlinkMessage) => unknown,
): Malformed | undefined {
  const limit = Math.min(end, view.byteLength);
  const message: Mutable<NetlinkMessage> = { type: 0, flags: 0, sequence: 0, portId: 0, start: 0, end: 0 };
  for (let at = start; at < limit; ) {
    if (at + netlinkHeaderLength > limit) return { what: 'the header of a message is cut off', at };
    const length = view.getUint32(at, true);
    if (length < netlinkHeaderLength) return { what: `a message claims a length of ${length}`, at };
    if (length > limit - at) return { what: `a message of ${length} bytes is cut off`, at };
    message.type = view.getUint16(at + 4, true);
    message.flags = view.getUint16(at + 6, true);
    message.sequence = view.getUint32(at + 8, true);
    message.portId = view.getUint32(at + 12, true);
    message.start = at + netlinkHeaderLength;
    message.end = at + length;
    if (visit(message) === false) return undefined;
    at += aligned(length);
  }
  return undefined;
}

/**
 * An attribute, from include/uapi/linux/netlink.h:
 *
 *     struct nlattr {
 *       __u16 nla_len;   // 0, with this header, without the padding to four bytes that follows
 *       __u16 nla_type;  // 2, of which the two highest bits are flags
 *     };
 */
export interface NetlinkAttribute {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** NLA_HDRLEN */
export const attributeHeaderLength = 4;

/** NLA_TYPE_MASK: without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
export const attributeTypeMask = 0x3fff;

/** Decodes the attributes between `start` and `end`, with copies of the payloads. */
export function decodeAttributes(view: DataView, start: number, end: number): NetlinkAttribute[] | Malformed {
  const limit = Math.min(end, view.byteLength);
  const attributes: NetlinkAttribute[] = [];
  for (let at = start; at < limit; ) {
    if (at + attributeHeaderLength > limit) return { what: 'the header of an attribute is cut off', at };
    const length = view.getUint16(at, true);
    if (length < attributeHeaderLength) return { what: `an attribute claims a length of ${length}`, at };
    if (length > limit - at) return { what: `an attribute of ${length} bytes is cut off`, at };
    const from = view.byteOffset + at + attributeHeaderLength;
    const payload = new Uint8Array(view.buffer).slice(from, from + length - attributeHeaderLength);
    attributes.push({ type: view.getUint16(at + 2, true) & attributeTypeMask, payload });
    at += aligned(length);
  }
  return attributes;
}

/** A message to be sent. */
export interface NetlinkRequest {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly portId?: number;
  /** The bytes after the header; attributes follow at the next multiple of four bytes. */
  readonly payload: Uint8Array;
  readonly attributes?: readonly NetlinkAttribute[];
}

/**
 * Encodes a message with its header, padded to four bytes.
 *
 * @throws {RangeError} if an attribute has more than 65531 bytes.
 */
export function encodeMessage(request: NetlinkRequest): Uint8Array {
  const { payload, attributes = [] } = request;
  let length = netlinkHeaderLength + aligned(payload.length);
  for (const attribute of attributes) length += aligned(attributeHeaderLength + attribute.payload.length);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, attributes.length === 0 ? netlinkHeaderLength + payload.length : length, true);
  view.setUint16(4, request.type, true);
  view.setUint16(6, request.flags, true);
  view.setUint32(8, request.sequence, true);
  view.setUint32(12, request.portId ?? 0, true);
  bytes.set(payload, netlinkHeaderLength);
  let at = netlinkHeaderLength + aligned(payload.length);
  for (const attribute of attributes) {
    const attributeLength = attributeHeaderLength + attribute.payload.length;
    if (attributeLength > 0xffff)
      throw new RangeError(`an attribute has at most 65531 bytes, got ${attributeLength - 4}`);
    view.setUint16(at, attributeLength, true);
    view.setUint16(at + 2, attribute.type, true);
    bytes.set(attribute.payload, at + attributeHeaderLength);
    at += aligned(attributeLength);
  }
  return bytes;
}

/**
 * Returns the errno of an NLMSG_ERROR or NLMSG_DONE; 0 for an acknowledgement and for a complete dump. The payload of an
 * NLMSG_DONE begins with the same int if the dump failed half-way.
 *
 *     struct nlmsgerr {
 *       int             error;  //  0, negative
 *       struct nlmsghdr msg;    //  4, the header of the request
 *     };
 */
export function errnoOfAnswer(view: DataView, { type, start, end }: NetlinkMessage): number | Malformed {
  if (end - start >= 4) return Math.abs(view.getInt32(start, true));
  return type === NLMSG_DONE ? 0 : { what: 'an error message without an error', at: start };
}
