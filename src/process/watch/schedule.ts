import type { Diagnosis } from '../../peer/diagnosis.js';
import type { Snapshot } from '../../peer/snapshot.js';
import { kernelHz, timerLatenessMs } from '../../policy/model/timer-wheel.js';
import type { KeepAliveState } from '../../socket/state.js';

/** The time between snapshots while something is unanswered, or while a probe is due: kernel timers are late. */
const closeMs = 200;

/** The longest time between snapshots: another program may have set other options. */
const longestMs = 40_000;

/** The same if keepalive is off. */
const unprotectedMs = 5000;

/** The shortest time between snapshots: a jiffy of the slowest kernel. */
const shortestMs = 10;

/** Returns how late a timer can be, on the kernel whose timer wheel is the coarsest for it. */
function latenessMs(delayMs: number): number {
  return Math.max(...kernelHz.map((hz) => timerLatenessMs(delayMs, hz)));
}

/**
 * Returns the time until a probe that is sent on time would be unanswered for a moment; after that, a short time while a late
 * probe may still go out. After an answered probe the kernel waits for the interval, if it is longer than idle.
 */
function untilProbe({ silentMs }: Snapshot, { idle, interval }: KeepAliveState): number {
  for (const dueMs of [idle, Math.max(idle, interval)]) {
    if (silentMs < dueMs + closeMs) return dueMs + closeMs - silentMs;
    if (silentMs < dueMs + latenessMs(dueMs) + closeMs) return closeMs;
  }
  return closeMs;
}

/** A snapshot of a connection, with what follows from it. */
export interface Circumstances {
  readonly snapshot: Snapshot;
  readonly diagnosis: Diagnosis;
  /** For how long a probe or data have been unanswered. */
  readonly forMs: number;
  readonly options: KeepAliveState;
  /** The time until the next probe is answered, if it is known. */
  readonly untilAnswerMs: number | undefined;
}

/** Returns the time in milliseconds after which a connection can have changed. */
function untilChange({ snapshot, diagnosis, forMs, options, untilAnswerMs }: Circumstances): number {
  const { unacked, notSentBytes, rtoMs, lastDataSentMs } = snapshot;
  // A first probe is unanswered once a round trip has passed.
  if (diagnosis.unansweredKind === 'keepalive' && forMs < rtoMs) return Math.min(closeMs, rtoMs - forMs);
  if (diagnosis.unansweredKind !== undefined || diagnosis.isWindowClosed) return closeMs;
  if (unacked > 0) {
    const timeoutMs = rtoMs - lastDataSentMs + shortestMs;
    return timeoutMs > 0 ? timeoutMs : closeMs;
  }
  if (notSentBytes > 0) return closeMs;
  if (!options.enabled) return unprotectedMs;
  return Math.min(longestMs, untilAnswerMs ?? untilProbe(snapshot, options));
}

/** Returns the time in milliseconds until the next snapshot of a connection. */
export function nextSnapshotMs(circumstances: Circumstances): number {
  return Math.max(shortestMs, untilChange(circumstances));
}

/**
 * Returns whether to read the options again, which takes more system calls than a snapshot: if keepalive is off, if a probe
 * should have gone out by now, or if a probe is unanswered.
 */
export function isTimeToAsk(
  { enabled, idle, interval }: KeepAliveState,
  { silentMs }: Snapshot,
  { unansweredKind }: Diagnosis,
): boolean {
  if (!enabled || unansweredKind === 'keepalive') return true;
  const latestMs = Math.max(idle, interval);
  return silentMs > latestMs + latenessMs(latestMs) + closeMs;
}
