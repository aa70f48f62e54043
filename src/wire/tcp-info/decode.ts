import { type CongestionState, type TcpInfoBytes, tcpInfoReaders } from './fields.js';
import type { TcpState } from './state.js';

export type { TcpState } from './state.js';

/** The bytes to request from the kernel: the structure of Linux 6.18. */
export const tcpInfoLength = 280;

/** The length of the structure in Linux 2.6, the least that any kernel fills in. */
const shortestTcpInfo = 104;

/**
 * `struct tcp_info` with readable names. Counters of 64 bits are numbers, exact to 2^53.
 *
 * A field that this kernel is too old to report is `undefined`.
 */
export interface TcpInfo {
  readonly state: TcpState;
  /** What congestion control is doing. */
  readonly congestionState: CongestionState;
  /** Consecutive retransmission timeouts without an acknowledgement. */
  readonly retransmits: number;
  /** Keepalive or window probes without an answer. */
  readonly probes: number;
  /** How many times the retransmission timeout has been doubled. */
  readonly backoff: number;
  /** A bit each: 1 timestamps, 2 SACK, 4 window scaling, 8 ECN, 16 ECN seen, 32 data in the SYN. */
  readonly options: number;
  /** The shift of the windows that the peer advertises. */
  readonly sendWindowScale: number;
  /** The shift of the windows that this end advertises. */
  readonly receiveWindowScale: number;
  /** The retransmission timeout. */
  readonly rtoMs: number;
  readonly delayedAckTimeoutMs: number;
  readonly sendMss: number;
  readonly receiveMss: number;
  /** Segments sent and not acknowledged; of a listener, connections waiting to be accepted. */
  readonly unacked: number;
  /** Segments that a SACK has reported; of a listener, the length of the queue. */
  readonly sacked: number;
  /** Segments that the kernel considers lost. */
  readonly lost: number;
  /** Segments sent again and not acknowledged yet. */
  readonly retransmitted: number;
  /** Always 0 since Linux 4.15. */
  readonly forwardAcked: number;
  /** Time since data were last sent. */
  readonly lastDataSentMs: number;
  /** Always 0: the kernel does not record the time. */
  readonly lastAckSentMs: number;
  readonly lastDataReceivedMs: number;
  readonly lastAckReceivedMs: number;
  readonly pathMtu: number;
  readonly receiveSlowStartThreshold: number;
  /** Smoothed round-trip time. */
  readonly rttMs: number;
  readonly rttVarianceMs: number;
  readonly sendSlowStartThreshold: number;
  /** In segments. */
  readonly congestionWindow: number;
  readonly advertisedMss: number;
  readonly reordering: number;
  /** The estimate of the round-trip time by the receiving side; 0 if there is none. */
  readonly receiveRttMs: number;
  readonly receiveSpace: number;
  /** Segments sent again since the connection was made. */
  readonly totalRetransmits: number;
  /** Bytes a second; `Infinity` if the rate is not limited. Since Linux 3.15. */
  readonly pacingRate: number | undefined;
  readonly maxPacingRate: number | undefined;
  /** Since Linux 4.1. */
  readonly bytesAcked: number | undefined;
  readonly bytesReceived: number | undefined;
  /** Segments sent, empty ones included. Since Linux 4.2. */
  readonly segmentsOut: number | undefined;
  readonly segmentsIn: number | undefined;
  /** Bytes written by the program and not sent for the first time. Since Linux 4.6. */
  readonly notSentBytes: number | undefined;
  /** `undefined` also before the first measurement. */
  readonly minRttMs: number | undefined;
  readonly dataSegmentsIn: number | undefined;
  readonly dataSegmentsOut: number | undefined;
  /** Bytes a second. Since Linux 4.9. */
  readonly deliveryRate: number | undefined;
  /** Whether the program, not the network, limited `deliveryRate`. */
  readonly deliveryRateAppLimited: boolean | undefined;
  /** Time spent with data to send. Since Linux 4.10. */
  readonly busyMs: number | undefined;
  /** The part of `busyMs` in which the peer's window was the limit. */
  readonly receiveWindowLimitedMs: number | undefined;
  readonly sendBufferLimitedMs: number | undefined;
  /** Segments known to have arrived. Since Linux 4.18. */
  readonly delivered: number | undefined;
  readonly deliveredCe: number | undefined;
  /** Since Linux 4.19. */
  readonly bytesSent: number | undefined;
  readonly bytesRetransmitted: number | undefined;
  readonly duplicateSacks: number | undefined;
  readonly reorderingsSeen: number | undefined;
  /** Since Linux 5.4. */
  readonly outOfOrderPackets: number | undefined;
  /** The window that the peer last advertised, in bytes; 0 if the peer's program does not read. */
  readonly sendWindow: number | undefined;
  /** Why TCP Fast Open failed: 0 unknown, 1 no cookie, 2 not acknowledged, 3 retransmitted. Since Linux 5.5. */
  readonly fastOpenClientFail: number | undefined;
  /** Since Linux 6.2. */
  readonly receiveWindow: number | undefined;
  /** Attempts to find a better path after timeouts. */
  readonly rehashes: number | undefined;
  /** Retransmission timeouts since the connection was made. Since Linux 6.7. */
  readonly totalTimeouts: number | undefined;
  readonly totalTimeoutRecoveries: number | undefined;
  /** Time spent in recovery from retransmission timeouts. */
  readonly totalTimeoutMs: number | undefined;
  /** This field and those below are of Accurate ECN. Since Linux 6.18. */
  readonly receivedCe: number | undefined;
  readonly deliveredE1Bytes: number | undefined;
  readonly deliveredE0Bytes: number | undefined;
  readonly deliveredCeBytes: number | undefined;
  readonly receivedE1Bytes: number | undefined;
  readonly receivedE0Bytes: number | undefined;
  readonly receivedCeBytes: number | undefined;
  readonly accEcnFailMode: number | undefined;
  readonly accEcnOptionSeen: number | undefined;
}

/** Reads a field at each access: of tens of thousands of connections, few fields are used. */
class TcpInfoView {
  readonly #bytes: TcpInfoBytes;

  constructor(bytes: TcpInfoBytes) {
    this.#bytes = bytes;
  }

  static {
    for (const [name, read] of Object.entries(tcpInfoReaders)) {
      Object.defineProperty(TcpInfoView.prototype, name, {
        enumerable: true,
        get(this: TcpInfoView) {
          // Inspecting the prototype reads the fields of the prototype too.
          return #bytes in this ? read(this.#bytes) : undefined;
        },
      });
    }
  }

  /** Returns all fields as a plain object. */
  toJSON(): TcpInfo {
    const fields = Object.entries(tcpInfoReaders).map(([name, read]) => [name, read(this.#bytes)]);
    return Object.fromEntries(fields) as TcpInfo;
  }
}

/** Returns the time since data or an acknowledgement came from the peer, in milliseconds. */
export function silentMsOf({ lastAckReceivedMs, lastDataReceivedMs }: TcpInfo): number {
  return Math.min(lastAckReceivedMs, lastDataReceivedMs);
}

/** Returns whether data are in flight, or wait for the peer's window to open. */
export function hasDataToSend({ unacked, notSentBytes = 0 }: Pick<TcpInfo, 'unacked' | 'notSentBytes'>): boolean {
  return unacked > 0 || notSentBytes > 0;
}

/**
 * Decodes the result of `getsockopt(TCP_INFO)`, in the machine's byte order (little-endian on every supported platform).
 *
 * Each access of a field reads `bytes`; a spread copies no fields. Returns undefined if `bytes` is shorter than any kernel's
 * structure.
 */
export function decodeTcpInfo(bytes: Uint8Array): TcpInfo | undefined {
  return decodeTcpInfoAt(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.length);
}

/** Decodes a structure of `length` bytes at `start` of a larger buffer, as {@link decodeTcpInfo} does. */
export function decodeTcpInfoAt(view: DataView, start: number, length: number): TcpInfo | undefined {
  if (length < shortestTcpInfo || start + length > view.byteLength) return undefined;
  return new TcpInfoView({ view, start, length }) as unknown as TcpInfo;
}
