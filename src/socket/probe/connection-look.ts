import { type OptionReader, optionReader } from '../../native/socket/socket-options.js';
import type { Unanswered } from '../../policy/model/interim-state.js';
import { decodeTcpInfoAt, hasDataToSend, silentMsOf, type TcpInfo, tcpInfoLength } from '../../wire/tcp-info/decode.js';
import { tcpInfoOffsets } from '../../wire/tcp-info/layout.js';
import type { TcpState } from '../../wire/tcp-info/state.js';
import { currentPlatform } from '../platforms/index.js';

/** The kernel's view of a connection whose peer may have to be asked. */
export interface ConnectionLook extends Unanswered {
  readonly state: TcpState;
  /** Whether data are in flight, or wait for the peer's window to open. */
  readonly hasDataToSend: boolean;
  /** Whether data are in flight. */
  readonly hasDataInFlight: boolean;
  /** Time since data were last sent, or sent again. */
  readonly dataSentMs: number;
  /** Segments sent, probes included; undefined before Linux 4.2. */
  readonly segmentsSent: number | undefined;
}

let reader: OptionReader | undefined;

/** Reads TCP_INFO. Returns undefined under the same conditions as {@link lookAtConnection}. */
function readInfo(fd: number): { readonly view: DataView; readonly length: number } | undefined {
  const { tcpInfo } = currentPlatform();
  if (tcpInfo === undefined) return undefined;
  reader ??= optionReader(tcpInfo, tcpInfoLength);
  const length = reader.read(fd);
  return length < tcpInfoOffsets.tcpi_rcv_rtt ? undefined : { view: reader.view, length };
}

/** Returns whether the peer has left probes or data unanswered, or has closed its window. Faster than {@link lookAtConnection}. */
export function hasUnanswered(fd: number): boolean {
  const view = readInfo(fd)?.view;
  if (view === undefined) return false;
  const isPositive = (offset: number) => view.getUint8(offset) > 0;
  if (isPositive(tcpInfoOffsets.tcpi_probes) || isPositive(tcpInfoOffsets.tcpi_retransmits)) return true;
  return isPositive(tcpInfoOffsets.tcpi_backoff) && view.getUint32(tcpInfoOffsets.tcpi_unacked, true) === 0;
}

/** Returns the upper bound of the time since data were sent again for the first time without an answer; 0 if none were. */
export function retransmittingMsOf({ retransmits, rtoMs, lastDataSentMs }: TcpInfo): number {
  // The present timeout is at least as long as each before, and data were last sent when it began.
  return retransmits > 0 ? retransmits * rtoMs + lastDataSentMs : 0;
}

/** Returns whether the kernel has sent probes of a closed window, which the peer may have answered. */
export function isWindowProbed({ unacked, backoff }: TcpInfo): boolean {
  return unacked === 0 && backoff > 0;
}

/** Looks at a connection. Returns undefined if its descriptor is closed or no TCP socket, or on platforms without TCP_INFO. */
export function lookAtConnection(fd: number): ConnectionLook | undefined {
  const read = readInfo(fd);
  const info = read && decodeTcpInfoAt(read.view, 0, read.length);
  if (info === undefined) return undefined;
  return {
    state: info.state,
    probes: info.probes,
    retransmittingMs: retransmittingMsOf(info),
    silentMs: silentMsOf(info),
    isWindowClosed: isWindowProbed(info),
    hasDataToSend: hasDataToSend(info),
    hasDataInFlight: info.unacked > 0,
    dataSentMs: info.lastDataSentMs,
    segmentsSent: info.segmentsOut,
  };
}
