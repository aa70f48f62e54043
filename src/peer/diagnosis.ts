import type { Snapshot } from './snapshot.js';

/** The kind of segment that is unanswered on a connection; undefined if none is. */
export type Outstanding = 'keepalive' | 'retransmission' | 'window' | undefined;

/** The state of a peer, as far as one snapshot shows. */
export interface Diagnosis {
  readonly unansweredKind: Outstanding;
  /** How many probes, or retransmission timeouts, have gone unanswered. */
  readonly unanswered: number;
  /** Whether the peer's kernel takes no data, because the peer's program does not read. */
  readonly isWindowClosed: boolean;
  /** Lower bound of the time since the first unanswered transmission, in milliseconds; 0 if unknown. */
  readonly unansweredForMs: number;
}

/**
 * Returns the time since the last attempt; 0 if unknown. Timers are late by an eighth and a jiffy at most. If data were sent
 * before the present timeout began, the last attempt was a FIN alone, which is no data.
 */
function lastAttemptMs({ lastDataSentMs, rtoMs }: Snapshot): number {
  return lastDataSentMs <= rtoMs * 1.125 + 10 ? lastDataSentMs : 0;
}

/**
 * Returns a lower bound of the time since the first timed-out data were sent. Each timeout doubles the next, and the last
 * timeout began when data were last sent. An ICMP message that the peer is unreachable undoes a doubling (RFC 6069), but not
 * the attempt.
 */
function inFlightForMs(snapshot: Snapshot): number {
  const { retransmits, backoff, rtoMs, silentMs } = snapshot;
  const forMs = lastAttemptMs(snapshot) + rtoMs * (1 - 2 ** -Math.min(retransmits, backoff));
  return hasRoom(snapshot) ? forMs : Math.min(silentMs, forMs);
}

/** Returns whether the peer has room for data; false if the kernel does not report the window. */
function hasRoom({ sendWindow = 0 }: Snapshot): boolean {
  return sendWindow > 0;
}

/**
 * Returns whether retransmitted data are unanswered. A peer whose buffer is full takes no data, but answers each attempt. The
 * attempt before the last was earlier by half of the present timeout. A peer that has room answers only by an
 * acknowledgement: its own data arrive even if it receives nothing.
 */
function isUnanswered(snapshot: Snapshot): boolean {
  const { unacked, retransmits, silentMs, lastDataSentMs, rtoMs } = snapshot;
  return unacked > 0 && retransmits > 0 && (hasRoom(snapshot) || silentMs > lastDataSentMs + rtoMs / 2);
}

/** Returns whether data wait while none is in flight: only a closed window delays data for longer than a moment. */
function isHeldBack({ unacked, notSentBytes, sendWindow }: Snapshot): boolean {
  return notSentBytes > 0 && unacked === 0 && (sendWindow === undefined || sendWindow === 0);
}

/** Diagnoses a peer from a snapshot of its connection. */
export function diagnose(snapshot: Snapshot): Diagnosis {
  const isWindowClosed = isHeldBack(snapshot);
  if (isUnanswered(snapshot)) {
    const unansweredForMs = inFlightForMs(snapshot);
    return { unansweredKind: 'retransmission', unanswered: snapshot.retransmits, isWindowClosed, unansweredForMs };
  }
  if (snapshot.probes > 0) {
    const unansweredKind = isWindowClosed ? 'window' : 'keepalive';
    return { unansweredKind, unanswered: snapshot.probes, isWindowClosed, unansweredForMs: 0 };
  }
  return { unansweredKind: undefined, unanswered: 0, isWindowClosed, unansweredForMs: 0 };
}
