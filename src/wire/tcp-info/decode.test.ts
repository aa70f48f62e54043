import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeTcpInfo, decodeTcpInfoAt, tcpInfoLength } from './decode.js';
import { tcpInfoOffsets } from './layout.js';

function sample(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes.set([1, 0, 4, 2, 3], 0);
  const numbers = {
    tcpi_rto: 204_000,
    tcpi_unacked: 7,
    tcpi_last_data_sent: 11,
    tcpi_last_data_recv: 22,
    tcpi_last_ack_recv: 33,
  };
  for (const [field, value] of Object.entries(numbers)) {
    view.setUint32(tcpInfoOffsets[field as keyof typeof numbers], value, true);
  }
  if (length >= tcpInfoLength) view.setUint32(tcpInfoOffsets.tcpi_segs_out, 99, true);
  return bytes;
}

describe('decodeTcpInfo', () => {
  it('reads every field from its place', () => {
    expect(decodeTcpInfo(sample(tcpInfoLength))).toMatchObject({
      state: 'ESTABLISHED',
      retransmits: 4,
      probes: 2,
      backoff: 3,
      rtoMs: 204,
      unacked: 7,
      lastDataSentMs: 11,
      lastDataReceivedMs: 22,
      lastAckReceivedMs: 33,
      segmentsOut: 99,
      segmentsIn: 0,
    });
  });

  it('reads fields of every kind from a structure full of them', () => {
    const bytes = Uint8Array.from({ length: tcpInfoLength }, (_, index) => index);
    const uint32 = (at: number) => new DataView(bytes.buffer).getUint32(at, true);
    expect(decodeTcpInfo(bytes)).toMatchObject({
      congestionState: 'DISORDER',
      options: 5,
      sendWindowScale: 6,
      receiveWindowScale: 0,
      deliveryRateAppLimited: true,
      fastOpenClientFail: 3,
      rttMs: uint32(68) / 1000,
      totalRetransmits: uint32(100),
      pacingRate: uint32(104) + uint32(108) * 2 ** 32,
      minRttMs: uint32(148) / 1000,
      busyMs: (uint32(168) + uint32(172) * 2 ** 32) / 1000,
      sendWindow: uint32(228),
      totalTimeouts: 240 + 241 * 256,
      accEcnOptionSeen: 22 + 23 * 256,
    });
  });

  it('says that a rate is not limited, and that nothing was measured', () => {
    const bytes = new Uint8Array(tcpInfoLength).fill(0xff);
    expect(decodeTcpInfo(bytes)).toMatchObject({
      state: 'UNKNOWN',
      congestionState: 'UNKNOWN',
      pacingRate: Number.POSITIVE_INFINITY,
      minRttMs: undefined,
    });
  });

  it('gives all fields to JSON, and none by being looked at', () => {
    const info = decodeTcpInfo(sample(tcpInfoLength));
    const fields = JSON.parse(JSON.stringify(info));
    expect(fields).toMatchObject({ state: 'ESTABLISHED', rtoMs: 204, sendWindow: 0 });
    expect(Object.keys(fields).length).toBeGreaterThan(60);
    expect(Reflect.get(Object.getPrototypeOf(info), 'state')).toBeUndefined();
  });

  it('reads from the middle of a buffer, and not past its end', () => {
    const buffer = new Uint8Array(tcpInfoLength + 20);
    buffer.set(sample(tcpInfoLength), 12);
    const view = new DataView(buffer.buffer);
    expect(decodeTcpInfoAt(view, 12, tcpInfoLength)).toMatchObject({ unacked: 7, segmentsOut: 99 });
    expect(decodeTcpInfoAt(view, 24, tcpInfoLength)).toBeUndefined();
  });

  it.each([
    [104, 'pacingRate'],
    [119, 'maxPacingRate'],
    [143, 'segmentsIn'],
    [167, 'deliveryRateAppLimited'],
    [231, 'fastOpenClientFail'],
    [241, 'totalTimeouts'],
    [151, 'minRttMs'],
    [175, 'busyMs'],
  ] as const)('leaves out of %i bytes what is not whole: %s', (length, field) => {
    const bytes = new Uint8Array(300).fill(1);
    expect(decodeTcpInfo(bytes.subarray(0, length))?.[field]).toBeUndefined();
    expect(decodeTcpInfo(bytes.subarray(0, length + 1 + (length === 104 ? 7 : 0)))?.[field]).toBeDefined();
  });

  it('leaves what an older kernel does not give undefined', () => {
    expect(decodeTcpInfo(sample(104))).toMatchObject({ unacked: 7, segmentsOut: undefined, segmentsIn: undefined });
  });

  it('gives undefined for less than any kernel gives, and never throws', () => {
    expect(decodeTcpInfo(new Uint8Array(103))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(decodeTcpInfo(bytes) === undefined).toBe(bytes.length < 104);
      }),
    );
  });
});
