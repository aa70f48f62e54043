import { tcpInfoOffsets as at } from '../wire/tcp-info/layout.js';
import { type TcpState, tcpStateOf } from '../wire/tcp-info/state.js';

/** The fields of `tcp_info` that show the state of a connection's peer, at one moment. Times are in milliseconds. */
export interface Snapshot {
  readonly state: TcpState;
  /** Keepalive or window probes without an answer. */
  readonly probes: number;
  /** Retransmission timeouts since the last acknowledgement. */
  readonly retransmits: number;
  /** The doublings of the retransmission timeout that the kernel has not undone. */
  readonly backoff: number;
  /** The retransmission timeout, doublings included. */
  readonly rtoMs: number;
  readonly rttMs: number;
  /** Segments in flight. */
  readonly unacked: number;
  /** The lower 32 bits of the number of bytes that the peer has acknowledged; 0 before Linux 4.1. */
  readonly ackedBytes: number;
  /** The lower 32 bits of the number of segments sent, probes included; 0 before Linux 4.2. */
  readonly segmentsSent: number;
  /** Bytes that the program has written and that wait to be sent for the first time. */
  readonly notSentBytes: number;
  /** The window that the peer last advertised, in bytes; undefined before Linux 5.4. */
  readonly sendWindow: number | undefined;
  /** Time since anything was received from the peer. */
  readonly silentMs: number;
  /** Time since data were last received. */
  readonly lastDataReceivedMs: number;
  /** Time since data were last sent, or sent again. */
  readonly lastDataSentMs: number;
}

/** Returns the upper bound of the time since the first unanswered retransmission of data; 0 if there is none. */
export function retransmittingMsOf({
  retransmits,
  rtoMs,
  lastDataSentMs,
}: Pick<Snapshot, 'retransmits' | 'rtoMs' | 'lastDataSentMs'>): number {
  // The present timeout is at least as long as each before, and began when data were last sent.
  return retransmits > 0 ? retransmits * rtoMs + lastDataSentMs : 0;
}

/** Returns whether the kernel has sent probes of a closed window, which the peer may have answered. */
export function isWindowProbed({ unacked, backoff }: Pick<Snapshot, 'unacked' | 'backoff'>): boolean {
  return unacked === 0 && backoff > 0;
}

/** Returns whether probes or data are unanswered, or the peer has closed its window; false without a snapshot. */
export function hasUnanswered(snapshot: Snapshot | undefined): boolean {
  return snapshot !== undefined && (snapshot.probes > 0 || snapshot.retransmits > 0 || isWindowProbed(snapshot));
}

/**
 * Decodes a `tcp_info` whose first `length` bytes the kernel has filled in. Returns undefined if `length` is less than any
 * kernel fills in for a TCP socket.
 */
export function decodeSnapshot(view: DataView, length: number): Snapshot | undefined {
  if (length < at.tcpi_rcv_rtt) return undefined;
  const word = (offset: number) => view.getUint32(offset, true);
  const lastDataReceivedMs = word(at.tcpi_last_data_recv);
  return {
    state: tcpStateOf(view.getUint8(at.tcpi_state)),
    probes: view.getUint8(at.tcpi_probes),
    retransmits: view.getUint8(at.tcpi_retransmits),
    backoff: view.getUint8(at.tcpi_backoff),
    rtoMs: word(at.tcpi_rto) / 1000,
    rttMs: word(at.tcpi_rtt) / 1000,
    unacked: word(at.tcpi_unacked),
    ackedBytes: length < at.tcpi_bytes_acked + 8 ? 0 : view.getInt32(at.tcpi_bytes_acked, true),
    segmentsSent: length < at.tcpi_segs_out + 4 ? 0 : view.getInt32(at.tcpi_segs_out, true),
    notSentBytes: length < at.tcpi_notsent_bytes + 4 ? 0 : word(at.tcpi_notsent_bytes),
    sendWindow: length < at.tcpi_snd_wnd + 4 ? undefined : word(at.tcpi_snd_wnd),
    silentMs: Math.min(lastDataReceivedMs, word(at.tcpi_last_ack_recv)),
    lastDataReceivedMs,
    lastDataSentMs: word(at.tcpi_last_data_sent),
  };
}
