import type { TcpInfo } from './decode.js';
import { tcpInfoOffsets } from './layout.js';
import { tcpStateOf } from './state.js';

/** enum tcp_ca_state of include/uapi/linux/tcp.h. */
const congestionStates = ['OPEN', 'DISORDER', 'CWR', 'RECOVERY', 'LOSS'] as const;

export type CongestionState = (typeof congestionStates)[number] | 'UNKNOWN';

/** The bytes of bit fields: both window scales, and the two flags after them. */
const windowScalesAt = 6;
const flagsAt = 7;

/** The value of tcpi_min_rtt before the first measurement. */
const noMeasurement = 0xffffffff;

/** The bytes of one structure. */
export interface TcpInfoBytes {
  readonly view: DataView;
  readonly start: number;
  readonly length: number;
}

type Field = keyof typeof tcpInfoOffsets;
type Reader<Value> = (info: TcpInfoBytes) => Value;

const at = tcpInfoOffsets;

function uint8(field: Field): Reader<number> {
  return ({ view, start }) => view.getUint8(start + at[field]);
}

function uint32(field: Field): Reader<number> {
  const offset = at[field];
  return ({ view, start }) => view.getUint32(start + offset, true);
}

function micros(field: Field): Reader<number> {
  const offset = at[field];
  return ({ view, start }) => view.getUint32(start + offset, true) / 1000;
}

function newer16(field: Field): Reader<number | undefined> {
  const offset = at[field];
  return ({ view, start, length }) => (length < offset + 2 ? undefined : view.getUint16(start + offset, true));
}

function newer32(field: Field): Reader<number | undefined> {
  const offset = at[field];
  return ({ view, start, length }) => (length < offset + 4 ? undefined : view.getUint32(start + offset, true));
}

function newer64(field: Field, scale = 1): Reader<number | undefined> {
  const offset = at[field];
  return ({ view, start, length }) => {
    if (length < offset + 8) return undefined;
    return (view.getUint32(start + offset, true) + view.getUint32(start + offset + 4, true) * 2 ** 32) / scale;
  };
}

/** Returns a reader of a rate: an unlimited rate has all bits set, which as a number is 2^64. */
function newerRate(field: Field): Reader<number | undefined> {
  const read = newer64(field);
  return (info) => {
    const rate = read(info);
    return rate === 2 ** 64 ? Number.POSITIVE_INFINITY : rate;
  };
}

function minimumRtt(info: TcpInfoBytes): number | undefined {
  const value = newer32('tcpi_min_rtt')(info);
  return value === undefined || value === noMeasurement ? undefined : value / 1000;
}

function flags({ view, start }: TcpInfoBytes): number {
  return view.getUint8(start + flagsAt);
}

/** The reader of each field of {@link TcpInfo}. */
export const tcpInfoReaders: { readonly [Name in keyof TcpInfo]: Reader<TcpInfo[Name]> } = {
  state: ({ view, start }) => tcpStateOf(view.getUint8(start + at.tcpi_state)),
  congestionState: (info) => congestionStates[info.view.getUint8(info.start + at.tcpi_ca_state)] ?? 'UNKNOWN',
  retransmits: uint8('tcpi_retransmits'),
  probes: uint8('tcpi_probes'),
  backoff: uint8('tcpi_backoff'),
  options: uint8('tcpi_options'),
  sendWindowScale: (info) => info.view.getUint8(info.start + windowScalesAt) & 0xf,
  receiveWindowScale: (info) => info.view.getUint8(info.start + windowScalesAt) >> 4,
  rtoMs: micros('tcpi_rto'),
  delayedAckTimeoutMs: micros('tcpi_ato'),
  sendMss: uint32('tcpi_snd_mss'),
  receiveMss: uint32('tcpi_rcv_mss'),
  unacked: uint32('tcpi_unacked'),
  sacked: uint32('tcpi_sacked'),
  lost: uint32('tcpi_lost'),
  retransmitted: uint32('tcpi_retrans'),
  forwardAcked: uint32('tcpi_fackets'),
  lastDataSentMs: uint32('tcpi_last_data_sent'),
  lastAckSentMs: uint32('tcpi_last_ack_sent'),
  lastDataReceivedMs: uint32('tcpi_last_data_recv'),
  lastAckReceivedMs: uint32('tcpi_last_ack_recv'),
  pathMtu: uint32('tcpi_pmtu'),
  receiveSlowStartThreshold: uint32('tcpi_rcv_ssthresh'),
  rttMs: micros('tcpi_rtt'),
  rttVarianceMs: micros('tcpi_rttvar'),
  sendSlowStartThreshold: uint32('tcpi_snd_ssthresh'),
  congestionWindow: uint32('tcpi_snd_cwnd'),
  advertisedMss: uint32('tcpi_advmss'),
  reordering: uint32('tcpi_reordering'),
  receiveRttMs: micros('tcpi_rcv_rtt'),
  receiveSpace: uint32('tcpi_rcv_space'),
  totalRetransmits: uint32('tcpi_total_retrans'),
  pacingRate: newerRate('tcpi_pacing_rate'),
  maxPacingRate: newerRate('tcpi_max_pacing_rate'),
  bytesAcked: newer64('tcpi_bytes_acked'),
  bytesReceived: newer64('tcpi_bytes_received'),
  segmentsOut: newer32('tcpi_segs_out'),
  segmentsIn: newer32('tcpi_segs_in'),
  notSentBytes: newer32('tcpi_notsent_bytes'),
  minRttMs: minimumRtt,
  dataSegmentsIn: newer32('tcpi_data_segs_in'),
  dataSegmentsOut: newer32('tcpi_data_segs_out'),
  deliveryRate: newerRate('tcpi_delivery_rate'),
  deliveryRateAppLimited: (info) => (info.length < at.tcpi_delivery_rate + 8 ? undefined : flags(info) % 2 === 1),
  busyMs: newer64('tcpi_busy_time', 1000),
  receiveWindowLimitedMs: newer64('tcpi_rwnd_limited', 1000),
  sendBufferLimitedMs: newer64('tcpi_sndbuf_limited', 1000),
  delivered: newer32('tcpi_delivered'),
  deliveredCe: newer32('tcpi_delivered_ce'),
  bytesSent: newer64('tcpi_bytes_sent'),
  bytesRetransmitted: newer64('tcpi_bytes_retrans'),
  duplicateSacks: newer32('tcpi_dsack_dups'),
  reorderingsSeen: newer32('tcpi_reord_seen'),
  outOfOrderPackets: newer32('tcpi_rcv_ooopack'),
  sendWindow: newer32('tcpi_snd_wnd'),
  fastOpenClientFail: (info) => (info.length < at.tcpi_snd_wnd + 4 ? undefined : (flags(info) >> 1) & 3),
  receiveWindow: newer32('tcpi_rcv_wnd'),
  rehashes: newer32('tcpi_rehash'),
  totalTimeouts: newer16('tcpi_total_rto'),
  totalTimeoutRecoveries: newer16('tcpi_total_rto_recoveries'),
  totalTimeoutMs: newer32('tcpi_total_rto_time'),
  receivedCe: newer32('tcpi_received_ce'),
  deliveredE1Bytes: newer32('tcpi_delivered_e1_bytes'),
  deliveredE0Bytes: newer32('tcpi_delivered_e0_bytes'),
  deliveredCeBytes: newer32('tcpi_delivered_ce_bytes'),
  receivedE1Bytes: newer32('tcpi_received_e1_bytes'),
  receivedE0Bytes: newer32('tcpi_received_e0_bytes'),
  receivedCeBytes: newer32('tcpi_received_ce_bytes'),
  accEcnFailMode: newer16('tcpi_accecn_fail_mode'),
  accEcnOptionSeen: newer16('tcpi_accecn_opt_seen'),
};
