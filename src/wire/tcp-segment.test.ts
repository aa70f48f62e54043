import { describe, expect, it } from 'vitest';
import { parseAddress } from './ip-address.js';
import { encodeTcpSegment, type TcpSegment } from './tcp-segment.js';

const bytes = (text: string) => parseAddress(text) as Uint8Array;
const hex = (segment: TcpSegment) => Buffer.from(encodeTcpSegment(segment)).toString('hex');

const ipv4: TcpSegment = {
  source: bytes('127.0.0.1'),
  destination: bytes('127.0.0.2'),
  sourcePort: 0x1234,
  destinationPort: 443,
  sequence: -1,
  acknowledgment: 2 ** 32 + 0x0a0b0c0d,
  window: 501,
  timestamps: { value: 0x01020304, echo: 0x05060708 },
  hopLimit: 64,
  trafficClass: 0,
};

/** The sum of all 16-bit words in ones' complement, which is 0xffff where the checksum is right (RFC 1071). */
function sum(data: Uint8Array, start = 0): number {
  let total = start;
  for (let at = 0; at < data.length; at += 2) total += ((data[at] as number) << 8) | (data[at + 1] as number);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

describe('encodeTcpSegment', () => {
  it('lays out IPv4 with timestamps', () => {
    expect(hex(ipv4).slice(0, 20)).toBe('45000034000040004006');
    expect(hex(ipv4).slice(24, 72)).toBe('7f0000017f000002123401bbffffffff0a0b0c0d801001f5');
    expect(hex(ipv4).slice(76)).toBe('00000101080a0102030405060708');
  });

  it('lays out IPv6 without timestamps', () => {
    const segment = { ...ipv4, source: bytes('fe80::1'), destination: bytes('::1'), timestamps: undefined };
    const text = hex({ ...segment, trafficClass: 0xb8, hopLimit: 255 });
    expect(text.slice(0, 16)).toBe('6b800000001406ff');
    expect(text.slice(16, 80)).toBe(`fe80${'0'.repeat(26)}01${'0'.repeat(30)}01`);
    expect(text.slice(80, 112)).toBe('123401bbffffffff0a0b0c0d501001f5');
    expect(text).toHaveLength(120);
  });

  it.each([
    ['IPv4', ipv4, 20],
    ['IPv6', { ...ipv4, source: bytes('2001:db8::1'), destination: bytes('2001:db8::2') }, 40],
  ] as const)('has right checksums over %s', (_, segment, headerLength) => {
    const packet = encodeTcpSegment(segment);
    const addresses = packet.subarray(headerLength - 2 * segment.source.length, headerLength);
    const tcp = packet.subarray(headerLength);
    expect(sum(tcp, sum(addresses, 6 + tcp.length))).toBe(0xffff);
    if (headerLength === 20) expect(sum(packet.subarray(0, 20))).toBe(0xffff);
  });

  it('refuses addresses of two families', () => {
    expect(() => encodeTcpSegment({ ...ipv4, destination: bytes('::1') })).toThrow('both must have 4, or both 16');
  });
});
