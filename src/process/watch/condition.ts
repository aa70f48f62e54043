import type { Sight } from './sight.js';

/** What is outstanding on a connection, if anything. */
export type Outstanding = 'keepalive' | 'retransmission' | 'window' | undefined;

/** How a peer is, as far as one look tells. */
export interface Condition {
  /** What of ours has gone unanswered. */
  readonly unansweredKind: Outstanding;
  /** How many probes, or retransmission timeouts, have gone unanswered. */
  readonly unanswered: number;
  /** The peer's kernel takes nothing more, because its program does not read. */
  readonly isWindowClosed: boolean;
  /** At least so long ago went out the first transmission that is unanswered; 0 where that cannot be told. */
  readonly unansweredForMs: number;
}

/**
 * How long ago data went out first that have timed out `retransmits` times: each timeout doubled the next, and the last
 * one began when data were last sent.
 */
function inFlightFor({ retransmits, rtoMs, dataSentMs, silentMs }: Sight): number {
  return Math.min(silentMs, dataSentMs + rtoMs * (1 - 2 ** -retransmits));
}

/**
 * Whether nothing has come back for what was sent again: a peer whose buffer is full takes none of it, and says so to
 * each attempt. The last but one attempt was half of the present timeout before the last.
 */
function isUnanswered({ unacked, retransmits, silentMs, dataSentMs, rtoMs }: Sight): boolean {
  return unacked > 0 && retransmits > 0 && silentMs > dataSentMs + rtoMs / 2;
}

/** Whether data wait although none are in flight: only a closed window holds them back for longer than a moment. */
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
