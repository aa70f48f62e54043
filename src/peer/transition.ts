import type { Diagnosis } from './diagnosis.js';
import type { Snapshot } from './snapshot.js';

/** The state of a peer, from earlier snapshots. Times are in milliseconds, by a monotonic clock of the caller. */
export interface PeerState {
  peerState: 'fine' | 'suspect' | 'stalled';
  /** The time of the first snapshot in which probes or data were unanswered; 0 if none are. */
  unansweredSince: number;
  /** The time of the first snapshot in which the peer's window was closed; 0 if the window is open. */
  closedSince: number;
  /** The number of bytes that the peer had acknowledged in the first snapshot in which data were unanswered. */
  ackedBytes: number;
}

/** A change of a peer's state. */
export type Transition = 'suspect' | 'recovered' | 'stalled';

/** The result of a snapshot. */
export interface StateUpdate {
  readonly transition: Transition | undefined;
  /** The time for which probes or data have been unanswered; 0 if none are. */
  readonly forMs: number;
}

/** A window that is closed for a shorter time shows a program that is busy for a moment. */
const stalledAfterMs = 1000;

/**
 * Returns whether an answer is overdue. The answer to the first probe may take the kernel's estimate of a round trip. A live
 * peer may leave a window probe unanswered: its kernel answers at most one in 500 ms (net/ipv4/tcp_input.c,
 * tcp_oow_rate_limited). The first two window probes are closer to each other.
 */
function isOverdue({ unansweredKind, unanswered }: Diagnosis, forMs: number, { rtoMs }: Snapshot): boolean {
  if (unansweredKind === 'retransmission' || unanswered > 1) return true;
  return unansweredKind === 'keepalive' && forMs >= rtoMs;
}

function transitionOf(
  state: PeerState,
  snapshot: Snapshot,
  diagnosis: Diagnosis,
  forMs: number,
  now: number,
): Transition | undefined {
  const { peerState, closedSince } = state;
  const { unansweredKind, isWindowClosed } = diagnosis;
  if (unansweredKind !== undefined) {
    return peerState !== 'suspect' && isOverdue(diagnosis, forMs, snapshot) ? 'suspect' : undefined;
  }
  const isStalled = isWindowClosed && now - closedSince >= stalledAfterMs;
  if (isStalled && peerState !== 'stalled') return 'stalled';
  return peerState === 'suspect' || (peerState === 'stalled' && !isWindowClosed) ? 'recovered' : undefined;
}

/** The kernel measures the silence of a peer in jiffies. */
const jiffiesMs = 20;

/**
 * Returns whether the peer has answered since the last snapshot, although probes or data are unanswered now. Some of the
 * retransmitted data may have arrived, or the peer sent a segment after the earlier probe.
 */
function wasAnswered(state: PeerState, snapshot: Snapshot, { unansweredKind }: Diagnosis, now: number): boolean {
  if (snapshot.ackedBytes !== state.ackedBytes) return true;
  return unansweredKind !== 'retransmission' && now - snapshot.silentMs > state.unansweredSince + jiffiesMs;
}

/** Updates the state from a snapshot and returns the transition. */
export function updatePeerState(state: PeerState, snapshot: Snapshot, diagnosis: Diagnosis, now: number): StateUpdate {
  const { unansweredKind, unansweredForMs, isWindowClosed } = diagnosis;
  const isNewSilence = state.unansweredSince === 0 || wasAnswered(state, snapshot, diagnosis, now);
  if (unansweredKind === undefined) state.unansweredSince = 0;
  else if (isNewSilence) {
    state.unansweredSince = now - unansweredForMs;
    state.ackedBytes = snapshot.ackedBytes;
  }
  if (!isWindowClosed) state.closedSince = 0;
  else if (state.closedSince === 0) state.closedSince = now;
  const forMs = unansweredKind === undefined ? 0 : now - state.unansweredSince;
  const transition = transitionOf(state, snapshot, diagnosis, forMs, now);
  if (transition !== undefined) state.peerState = transition === 'recovered' ? 'fine' : transition;
  return { transition, forMs };
}
