import type { Snapshot } from './snapshot.js';

/** What is outstanding on a connection, if anything. */
export type Outstanding = 'keepalive' | 'retransmission' | 'window' | undefined;

/** The state of a peer, as far as one snapshot tells. */
export interface Diagnosis {
  /** The kind of segment that is unanswered. */
  readonly unansweredKind: Outstanding;
  /** How many probes, or retransmission timeouts, have gone unanswered. */
  readonly unanswered: number;
  /** The peer's kernel takes nothing more, because its program does not read. */
  readonly isWindowClosed: boolean;
  /** Lower bound of the time since the first unanswered transmission, in milliseconds; 0 if unknown. */
  readonly unansweredForMs: number;
}

/**
 * Since when the last attempt is under way. A FIN alone is no data: data were then last sent before the timeout began,
 * which is late by an eighth and a jiffy at most.
 */
function lastAttemptMs({ lastDataSentMs, rtoMs }: Snapshot): number {
  return lastDataSentMs <= rtoMs * 1.125 + 10 ? lastDataSentMs : 0;
}

/**
 * Returns a lower bound of the time since the first timed-out data were sent: each timeout doubled the next, and the last one began
 * when data were last sent. A message that the peer is unreachable takes a doubling back (RFC 6069), but not the attempt.
 */
function inFlightFor(snapshot: Snapshot): number {
  const { retransmits, backoff, rtoMs, silentMs } = snapshot;
  const forMs = lastAttemptMs(snapshot) + rtoMs * (1 - 2 ** -Math.min(retransmits, backoff));
  return hasRoom(snapshot) ? forMs : Math.min(silentMs, forMs);
}

/** Returns whether the peer has room for data; `false` also where the kernel does not tell. */
function hasRoom({ sendWindow = 0 }: Snapshot): boolean {
  return sendWindow > 0;
}

/**
 * Returns whether retransmitted data are unanswered. A peer whose buffer is full takes no data, and says so after each
 * attempt; the last attempt but one was half of the present timeout before the last. A peer that has room answers only by an
 * acknowledgement: its own data arrive even if it receives nothing.
 */
function isUnanswered(snapshot: Snapshot): boolean {
  const { unacked, retransmits, silentMs, lastDataSentMs, rtoMs } = snapshot;
  return unacked > 0 && retransmits > 0 && (hasRoom(snapshot) || silentMs > lastDataSentMs + rtoMs / 2);
}

/** Returns whether unsent data wait with none in flight: only a closed window delays them for longer than a moment. */
function isHeldBack({ unacked, notSentBytes, sendWindow }: Snapshot): boolean {
  return notSentBytes > 0 && unacked === 0 && (sendWindow === undefined || sendWindow === 0);
}

/** Diagnoses a peer from a snapshot of its connection. */
export function diagnose(snapshot: Snapshot): Diagnosis {
  const isWindowClosed = isHeldBack(snapshot);
  if (isUnanswered(snapshot)) {
    const unansweredForMs = inFlightFor(snapshot);
    return { unansweredKind: 'retransmission', unanswered: snapshot.retransmits, isWindowClosed, unansweredForMs };
  }
  if (snapshot.probes > 0) {
    const unansweredKind = isWindowClosed ? 'window' : 'keepalive';
    return { unansweredKind, unanswered: snapshot.probes, isWindowClosed, unansweredForMs: 0 };
  }
  return { unansweredKind: undefined, unanswered: 0, isWindowClosed, unansweredForMs: 0 };
}
