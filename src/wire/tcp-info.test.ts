import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeTcpInfo, tcpInfoLength, tcpInfoOffsets } from './tcp-info.js';

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
    expect(decodeTcpInfo(sample(tcpInfoLength))).toEqual({
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
