import type { Diagnosis } from '../../peer/diagnosis.js';
import type { Snapshot } from '../../peer/snapshot.js';
import { kernelHz, timerLatenessMs } from '../../policy/model/timer-wheel.js';
import type { KeepAliveState } from '../../socket/state.js';

/** While something is unanswered, and while a probe is due, which no kernel sends exactly then. */
const closeLookMs = 200;

/** Where nothing comes of the options that were read for long: others may be set from outside of the program. */
const longestLookMs = 40_000;

/** The same where keepalive is off. */
const unprotectedLookMs = 5000;

/** No look comes sooner: a jiffy of the slowest kernel. */
const shortestLookMs = 10;

/** The lateness of a timer on the kernel whose wheel is the coarsest for it. */
function latenessMs(delayMs: number): number {
  return Math.max(...kernelHz.map((hz) => timerLatenessMs(delayMs, hz)));
}

/**
 * Until a probe that went out on time has been unanswered for a moment, then again and again while a late one may go out.
 * After a probe was answered the kernel waits for the interval, where that is longer than idle.
 */
function untilProbe({ silentMs }: Snapshot, { idle, interval }: KeepAliveState): number {
  for (const dueMs of [idle, Math.max(idle, interval)]) {
    if (silentMs < dueMs + closeLookMs) return dueMs + closeLookMs - silentMs;
    if (silentMs < dueMs + latenessMs(dueMs) + closeLookMs) return closeLookMs;
  }
  return closeLookMs;
}

/** What is known of a connection when it has been looked at. */
export interface Circumstances {
  readonly snapshot: Snapshot;
  readonly diagnosis: Diagnosis;
  /** For how long something of ours has gone unanswered. */
  readonly forMs: number;
  readonly options: KeepAliveState;
  /** Until the next probe is answered, where it is known. */
  readonly untilAnswerMs: number | undefined;
}

/** When the numbers of a connection say that something can have changed, in milliseconds. */
function untilChange({ snapshot, diagnosis, forMs, options, untilAnswerMs }: Circumstances): number {
  const { unacked, notSentBytes, rtoMs, lastDataSentMs } = snapshot;
  // A first probe is unanswered once a round trip has passed.
  if (diagnosis.unansweredKind === 'keepalive' && forMs < rtoMs) return Math.min(closeLookMs, rtoMs - forMs);
  if (diagnosis.unansweredKind !== undefined || diagnosis.isWindowClosed) return closeLookMs;
  if (unacked > 0) {
    const timeoutMs = rtoMs - lastDataSentMs + shortestLookMs;
    return timeoutMs > 0 ? timeoutMs : closeLookMs;
  }
  if (notSentBytes > 0) return closeLookMs;
  if (!options.enabled) return unprotectedLookMs;
  return Math.min(longestLookMs, untilAnswerMs ?? untilProbe(snapshot, options));
}

/** When to look at a connection again, in milliseconds. */
export function nextSnapshotMs(circumstances: Circumstances): number {
  return Math.max(shortestLookMs, untilChange(circumstances));
}

/**
 * Returns whether the options should be read again, which takes more calls than a look: if no probe was due, if one should
 * have gone out by now, or if one is unanswered.
 */
export function isTimeToAsk(
  { enabled, idle, interval }: KeepAliveState,
  { silentMs }: Snapshot,
  { unansweredKind }: Diagnosis,
): boolean {
  if (!enabled || unansweredKind === 'keepalive') return true;
  const latestMs = Math.max(idle, interval);
  return silentMs > latestMs + latenessMs(latestMs) + closeLookMs;
}
