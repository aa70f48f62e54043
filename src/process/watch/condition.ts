import type { Sight } from './sight.js';

/** What is outstanding on a connection, if anything. */
export type Outstanding = 'keepalive' | 'retransmission' | 'window' | undefined;

/** How a peer is, as far as one look tells. */
export interface Condition {
  /** The kind of segment that is unanswered. */
  readonly unansweredKind: Outstanding;
  /** How many probes, or retransmission timeouts, have gone unanswered. */
  readonly unanswered: number;
  /** The peer's kernel takes nothing more, because its program does not read. */
  readonly isWindowClosed: boolean;
  /** At least so long ago went out the first transmission that is unanswered; 0 where that cannot be told. */
  readonly unansweredForMs: number;
}

/**
 * Since when the last attempt is under way. A FIN alone is no data: data were then last sent before the timeout began,
 * which is late by an eighth and a jiffy at most.
 */
function lastAttemptMs({ dataSentMs, rtoMs }: Sight): number {
  return dataSentMs <= rtoMs * 1.125 + 10 ? dataSentMs : 0;
}

/**
 * At least how long ago data went out first that have timed out: each timeout doubled the next, and the last one began
 * when data were last sent. A message that the peer is unreachable takes a doubling back (RFC 6069), but not the attempt.
 */
function inFlightFor(sight: Sight): number {
  const { retransmits, backoff, rtoMs, silentMs } = sight;
  const forMs = lastAttemptMs(sight) + rtoMs * (1 - 2 ** -Math.min(retransmits, backoff));
  return hasRoom(sight) ? forMs : Math.min(silentMs, forMs);
}

/** Returns whether the peer has room for data; `false` also where the kernel does not tell. */
function hasRoom({ sendWindow = 0 }: Sight): boolean {
  return sendWindow > 0;
}

/**
 * Returns whether retransmitted data are unanswered. A peer whose buffer is full takes no data, and says so after each
 * attempt; the last attempt but one was half of the present timeout before the last. A peer that has room answers only by an
 * acknowledgement: its own data arrive even if it receives nothing.
 */
function isUnanswered(sight: Sight): boolean {
  const { unacked, retransmits, silentMs, dataSentMs, rtoMs } = sight;
  return unacked > 0 && retransmits > 0 && (hasRoom(sight) || silentMs > dataSentMs + rtoMs / 2);
}

/** Returns whether unsent data wait with none in flight: only a closed window delays them for longer than a moment. */
function isHeldBack({ unacked, notSentBytes, sendWindow }: Sight): boolean {
  return notSentBytes > 0 && unacked === 0 && (sendWindow === undefined || sendWindow === 0);
}

/** Tells from a look how a peer is. */
export function conditionOf(sight: Sight): Condition {
  const isWindowClosed = isHeldBack(sight);
  if (isUnanswered(sight)) {
    const unansweredForMs = inFlightFor(sight);
    return { unansweredKind: 'retransmission', unanswered: sight.retransmits, isWindowClosed, unansweredForMs };
  }
  if (sight.probes > 0) {
    const unansweredKind = isWindowClosed ? 'window' : 'keepalive';
    return { unansweredKind, unanswered: sight.probes, isWindowClosed, unansweredForMs: 0 };
  }
  return { unansweredKind: undefined, unanswered: 0, isWindowClosed, unansweredForMs: 0 };
}
