/**
 * An empty TCP segment with the ACK flag in an IP packet, as Linux sends it for a keepalive probe.
 *
 * RFC 9293, section 3.1 (TCP), RFC 791 (IPv4), RFC 8200 (IPv6), RFC 7323, section 3.2 (timestamps).
 */
export interface TcpSegment {
  /** Four bytes of IPv4 or sixteen of IPv6, and as many in `destination`. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  /** The value in the header, already scaled. */
  readonly window: number;
  /** `undefined` for a connection without timestamps. */
  readonly timestamps: { readonly value: number; readonly echo: number } | undefined;
  /** TTL or hop limit. */
  readonly hopLimit: number;
  /** The TOS byte or the traffic class. */
  readonly trafficClass: number;
}

const IPPROTO_TCP = 6;
const ipv4Length = 20;
const ipv6Length = 40;
const tcpLength = 20;
const timestampsLength = 12;
const dontFragment = 0x4000;
const ack = 0x10;

/** NOP, NOP, kind 8, length 10: the two values that follow are aligned to words. */
const timestampsOption = 0x0101080a;

/** Returns the sum of 16-bit words in ones' complement (RFC 1071), folded to 16 bits. */
function sumOfWords(view: DataView, from: number, to: number, start = 0): number {
  let sum = start;
  for (let at = from; at < to; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

function putTcp(view: DataView, at: number, segment: TcpSegment): void {
  const { timestamps } = segment;
  const words = (tcpLength + (timestamps === undefined ? 0 : timestampsLength)) / 4;
  view.setUint16(at, segment.sourcePort);
  view.setUint16(at + 2, segment.destinationPort);
  view.setUint32(at + 4, segment.sequence);
  view.setUint32(at + 8, segment.acknowledgment);
  view.setUint8(at + 12, words << 4);
  view.setUint8(at + 13, ack);
  view.setUint16(at + 14, segment.window);
  if (timestamps === undefined) return;
  view.setUint32(at + tcpLength, timestampsOption);
  view.setUint32(at + tcpLength + 4, timestamps.value);
  view.setUint32(at + tcpLength + 8, timestamps.echo);
}

function putIPv4(view: DataView, length: number, { hopLimit, trafficClass }: TcpSegment): void {
  view.setUint8(0, 0x45);
  view.setUint8(1, trafficClass);
  view.setUint16(2, length);
  view.setUint16(6, dontFragment);
  view.setUint8(8, hopLimit);
  view.setUint8(9, IPPROTO_TCP);
}

function putIPv6(view: DataView, length: number, { hopLimit, trafficClass }: TcpSegment): void {
  view.setUint32(0, (6 << 28) | (trafficClass << 20));
  view.setUint16(4, length - ipv6Length);
  view.setUint8(6, IPPROTO_TCP);
  view.setUint8(7, hopLimit);
}

/**
 * Encodes a segment with its IP header and checksums.
 *
 * @throws {RangeError} if the addresses are not both of IPv4 or both of IPv6.
 */
export function encodeTcpSegment(segment: TcpSegment): Uint8Array {
  const { source, destination, timestamps } = segment;
  const isIPv4 = source.length === 4;
  if (source.length !== destination.length || !(isIPv4 || source.length === 16)) {
    throw new RangeError(`addresses of ${source.length} and ${destination.length} bytes: both must have 4, or both 16`);
  }
  const tcpAt = isIPv4 ? ipv4Length : ipv6Length;
  const length = tcpAt + tcpLength + (timestamps === undefined ? 0 : timestampsLength);
  const bytes = new Uint8Array(new ArrayBuffer(length));
  const view = new DataView(bytes.buffer);
  if (isIPv4) putIPv4(view, length, segment);
  else putIPv6(view, length, segment);
  // The addresses end both headers.
  bytes.set(source, tcpAt - 2 * source.length);
  bytes.set(destination, tcpAt - destination.length);
  if (isIPv4) view.setUint16(10, ~sumOfWords(view, 0, ipv4Length));
  putTcp(view, tcpAt, segment);
  const pseudoHeader = sumOfWords(view, tcpAt - 2 * source.length, tcpAt, IPPROTO_TCP + length - tcpAt);
  view.setUint16(tcpAt + 16, ~sumOfWords(view, tcpAt, length, pseudoHeader));
  return bytes;
}
