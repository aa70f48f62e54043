import { type OptionReader, optionReader } from '../native/index.js';
import type { Unanswered } from '../policy/interim-state.js';
import { decodeTcpInfoAt, tcpInfoLength } from '../wire/tcp-info.js';
import type { TcpState } from '../wire/tcp-state.js';
import { currentPlatform } from './platforms/index.js';

/** What the kernel says of a connection whose peer is, or may have to be, asked. */
export interface ConnectionLook extends Unanswered {
  readonly state: TcpState;
  /** Whether data are in flight, or wait for the peer's window to open. */
  readonly hasDataToSend: boolean;
  /** Whether data are in flight. */
  readonly hasDataInFlight: boolean;
  /** Segments sent, probes included; undefined before Linux 4.2. */
  readonly segmentsSent: number | undefined;
}

let reader: OptionReader | undefined;

/** Looks at a connection. Returns undefined if its descriptor is closed or no TCP socket, or on platforms without TCP_INFO. */
export function lookAtConnection(fd: number): ConnectionLook | undefined {
  const { tcpInfo } = currentPlatform();
  if (tcpInfo === undefined) return undefined;
  reader ??= optionReader(tcpInfo, tcpInfoLength);
  const info = decodeTcpInfoAt(reader.view, 0, reader.read(fd));
  if (info === undefined) return undefined;
  const { retransmits, unacked, notSentBytes = 0 } = info;
  return {
    state: info.state,
    probes: info.probes,
    // The present timeout is at least as long as each before, and data were last sent when it began.
    retransmittingMs: retransmits > 0 ? retransmits * info.rtoMs + info.lastDataSentMs : 0,
    silentMs: Math.min(info.lastAckReceivedMs, info.lastDataReceivedMs),
    hasDataToSend: unacked > 0 || notSentBytes > 0,
    hasDataInFlight: unacked > 0,
    segmentsSent: info.segmentsOut,
  };
}
