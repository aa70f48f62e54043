import { aligned, attributeHeaderLength, attributeTypeMask, type Malformed } from '../netlink.js';
import { INET_DIAG_CGROUP_ID, INET_DIAG_INFO, inetDiagMessageLength } from './messages.js';

/** The offsets of the attributes of a connection in the buffer; 0 if the attribute is missing. */
export interface InetDiagAttributes {
  infoAt: number;
  infoLength: number;
  cgroupIdAt: number;
}

/**
 * Writes the offsets of the attributes of the reply between `start` and `end` into `found`. Allocates nothing, because a
 * dump has tens of thousands of sockets. Returns the fault if the reply is malformed.
 */
export function locateAttributes(
  view: DataView,
  start: number,
  end: number,
  found: InetDiagAttributes,
): Malformed | undefined {
  const limit = Math.min(end, view.byteLength);
  found.infoAt = 0;
  found.infoLength = 0;
  found.cgroupIdAt = 0;
  if (limit - start < inetDiagMessageLength) return { what: 'the description of a socket is cut off', at: start };
  for (let at = start + inetDiagMessageLength; at < limit; ) {
    if (at + attributeHeaderLength > limit) return { what: 'the header of an attribute is cut off', at };
    const length = view.getUint16(at, true);
    if (length < attributeHeaderLength) return { what: `an attribute claims a length of ${length}`, at };
    if (length > limit - at) return { what: `an attribute of ${length} bytes is cut off`, at };
    const type = view.getUint16(at + 2, true) & attributeTypeMask;
    if (type === INET_DIAG_INFO) {
      found.infoAt = at + attributeHeaderLength;
      found.infoLength = length - attributeHeaderLength;
    } else if (type === INET_DIAG_CGROUP_ID && length >= attributeHeaderLength + 8) {
      found.cgroupIdAt = at + attributeHeaderLength;
    }
    at += aligned(length);
  }
  return undefined;
}
