/**
 * The part of `struct tcp_info` that this project reads, from include/uapi/linux/tcp.h:
 *
 *     struct tcp_info {
 *       __u8  tcpi_state;         //   0
 *       __u8  tcpi_ca_state;
 *       __u8  tcpi_retransmits;   //   2
 *       __u8  tcpi_probes;        //   3
 *       __u8  tcpi_backoff;       //   4
 *       __u8  tcpi_options;
 *       __u8  tcpi_snd_wscale : 4, tcpi_rcv_wscale : 4;
 *       __u8  tcpi_delivery_rate_app_limited : 1, tcpi_fastopen_client_fail : 2;
 *       __u32 tcpi_rto;           //   8, microseconds
 *       __u32 tcpi_ato;
 *       __u32 tcpi_snd_mss;
 *       __u32 tcpi_rcv_mss;
 *       __u32 tcpi_unacked;       //  24, segments; of a listener: connections waiting to be accepted
 *       ...
 *       __u32 tcpi_last_data_sent;  // 44, milliseconds ago
 *       __u32 tcpi_last_ack_sent;
 *       __u32 tcpi_last_data_recv;  // 52
 *       __u32 tcpi_last_ack_recv;   // 56
 *       ...
 *       __u32 tcpi_segs_out;      // 136, since 4.2
 *       __u32 tcpi_segs_in;       // 140, since 4.2
 *       ...
 *     };
 *
 * The kernel gives as much of it as it knows: fields past the end of `bytes` are `undefined`.
 */
export interface TcpInfo {
  readonly state: TcpState;
  /** Consecutive retransmission timeouts without an acknowledgement. */
  readonly retransmits: number;
  /** Keepalive or window probes without an answer. */
  readonly probes: number;
  readonly backoff: number;
  readonly rtoMs: number;
  /** Segments sent and not acknowledged; of a listener, connections waiting to be accepted. */
  readonly unacked: number;
  readonly lastDataSentMs: number;
  readonly lastDataReceivedMs: number;
  readonly lastAckReceivedMs: number;
  readonly segmentsOut: number | undefined;
  readonly segmentsIn: number | undefined;
}

/** The names of include/net/tcp_states.h, in its order; 1 is ESTABLISHED. */
const tcpStates = [
  'UNKNOWN',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
] as const;

export type TcpState = (typeof tcpStates)[number];

/** Where each field is; `test/wire` compares it with the machine's own headers. */
export const tcpInfoOffsets = {
  tcpi_state: 0,
  tcpi_retransmits: 2,
  tcpi_probes: 3,
  tcpi_backoff: 4,
  tcpi_rto: 8,
  tcpi_unacked: 24,
  tcpi_last_data_sent: 44,
  tcpi_last_data_recv: 52,
  tcpi_last_ack_recv: 56,
  tcpi_segs_out: 136,
  tcpi_segs_in: 140,
} as const;

/** Bytes to ask the kernel for. */
export const tcpInfoLength = 144;

/** The length of the structure in Linux 2.6, the least that any kernel gives. */
const shortestTcpInfo = 104;

/**
 * Decodes what `getsockopt(TCP_INFO)` gave, in the machine's byte order (little-endian on every platform supported).
 *
 * Gives `undefined` when `bytes` is shorter than any kernel's structure.
 */
export function decodeTcpInfo(bytes: Uint8Array): TcpInfo | undefined {
  if (bytes.length < shortestTcpInfo) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = tcpInfoOffsets;
  const uint32 = (offset: number) => view.getUint32(offset, true);
  const newer = (offset: number) => (bytes.length >= offset + 4 ? uint32(offset) : undefined);
  return {
    state: tcpStates[view.getUint8(at.tcpi_state)] ?? 'UNKNOWN',
    retransmits: view.getUint8(at.tcpi_retransmits),
    probes: view.getUint8(at.tcpi_probes),
    backoff: view.getUint8(at.tcpi_backoff),
    rtoMs: uint32(at.tcpi_rto) / 1000,
    unacked: uint32(at.tcpi_unacked),
    lastDataSentMs: uint32(at.tcpi_last_data_sent),
    lastDataReceivedMs: uint32(at.tcpi_last_data_recv),
    lastAckReceivedMs: uint32(at.tcpi_last_ack_recv),
    segmentsOut: newer(at.tcpi_segs_out),
    segmentsIn: newer(at.tcpi_segs_in),
  };
}
