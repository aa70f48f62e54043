import type { Condition } from './condition.js';
import type { Sight } from './sight.js';
import type { Watched } from './watched.js';

/** What can be said anew of a peer. */
export type Turn = 'suspect' | 'recovered' | 'stalled';

/** What a look changes. */
export interface Assessment {
  readonly turn: Turn | undefined;
  /** For how long something of ours has gone unanswered; 0 where nothing has. */
  readonly forMs: number;
}

/** A window that is closed for a shorter time only shows a program that is busy for a moment. */
const stalledAfterMs = 1000;

/**
 * Returns whether an answer is overdue. The answer to the first probe may take a round trip, as the kernel estimates it. A
 * live peer may leave a window probe unanswered: its kernel answers no more than one in 500 ms (net/ipv4/tcp_input.c,
 * tcp_oow_rate_limited), and the first two are closer to each other.
 */
function isOverdue({ unansweredKind, unanswered }: Condition, forMs: number, { rtoMs }: Sight): boolean {
  if (unansweredKind === 'retransmission' || unanswered > 1) return true;
  return unansweredKind === 'keepalive' && forMs >= rtoMs;
}

function turnOf(watched: Watched, sight: Sight, condition: Condition, forMs: number, now: number): Turn | undefined {
  const { mood, closedSince } = watched;
  const { unansweredKind, isWindowClosed } = condition;
  if (unansweredKind !== undefined) {
    return mood !== 'suspect' && isOverdue(condition, forMs, sight) ? 'suspect' : undefined;
  }
  const isStalled = isWindowClosed && now - closedSince >= stalledAfterMs;
  if (isStalled && mood !== 'stalled') return 'stalled';
  return mood === 'suspect' || (mood === 'stalled' && !isWindowClosed) ? 'recovered' : undefined;
}

/** The kernel measures the silence of a peer in jiffies. */
const jiffiesMs = 20;

/**
 * Returns whether the peer has answered since the last look, although something is unanswered now: some of the data that are
 * lost again and again may have arrived, or the peer was heard after the earlier probe.
 */
function wasAnswered(watched: Watched, sight: Sight, { unansweredKind }: Condition, now: number): boolean {
  if (sight.ackedBytes !== watched.ackedBytes) return true;
  return unansweredKind !== 'retransmission' && now - sight.silentMs > watched.unansweredSince + jiffiesMs;
}

/** Takes in what a look showed, and tells what that changes. */
export function assess(watched: Watched, sight: Sight, condition: Condition, now: number): Assessment {
  const { unansweredKind, unansweredForMs, isWindowClosed } = condition;
  const isAnew = watched.unansweredSince === 0 || wasAnswered(watched, sight, condition, now);
  if (unansweredKind === undefined) watched.unansweredSince = 0;
  else if (isAnew) {
    watched.unansweredSince = now - unansweredForMs;
    watched.ackedBytes = sight.ackedBytes;
  }
  if (!isWindowClosed) watched.closedSince = 0;
  else if (watched.closedSince === 0) watched.closedSince = now;
  const forMs = unansweredKind === undefined ? 0 : now - watched.unansweredSince;
  const turn = turnOf(watched, sight, condition, forMs, now);
  if (turn !== undefined) watched.mood = turn === 'recovered' ? 'fine' : turn;
  return { turn, forMs };
}
