import type { Snapshot } from '../../peer/snapshot.js';
import type { KeepAliveState } from '../../socket/state.js';
import type { WatchedConnection } from './watched-connection.js';

/** The time between probes of connections with the same options. */
interface ProbePeriod {
  periodMs: number;
  /** How many times in a row the time was longer than `periodMs`. */
  longer: number;
}

const periods = new WeakMap<KeepAliveState, ProbePeriod>();

/** The kernel counts in jiffies: within this time after a probe is due, it is sent and a peer nearby has answered. */
const marginMs = 40;

/** After so many longer periods in a row, a shorter one no longer counts: an extra probe may have shortened it. */
const longerUntilKept = 3;

function note(options: KeepAliveState, periodMs: number): void {
  // The peer may have sent an acknowledgement without being asked.
  if (periodMs < options.idle - marginMs) return;
  const period = periods.get(options);
  if (period === undefined) periods.set(options, { periodMs, longer: 0 });
  else if (periodMs <= period.periodMs + marginMs / 2) {
    period.periodMs = Math.min(period.periodMs, periodMs);
    period.longer = 0;
  } else {
    period.longer += 1;
    if (period.longer > longerUntilKept) periods.set(options, { periodMs, longer: 0 });
  }
}

/**
 * Notes when the peer of an idle connection answered a probe. The next probe follows after the same time: the kernel's timer
 * is late by the same each time.
 *
 * @param now The time by {@link wholeMs}.
 */
export function noteAnsweredProbe(watched: WatchedConnection, snapshot: Snapshot, now: number): void {
  const { silentMs, lastDataReceivedMs, lastDataSentMs, segmentsSent } = snapshot;
  const { probedAt, probedSegments, options } = watched;
  const heardAt = now - silentMs;
  const isAnswer = Math.min(lastDataReceivedMs, lastDataSentMs) >= silentMs + options.idle;
  if (!isAnswer) watched.probedAt = 0;
  else if (heardAt > probedAt + marginMs) {
    // If more segments than the one probe were sent, a probe may have been unanswered.
    if (probedAt > 0 && segmentsSent === probedSegments + 1) note(options, heardAt - probedAt);
    watched.probedAt = heardAt;
    watched.probedSegments = segmentsSent;
  }
}

/** Returns the time in milliseconds until the peer has answered the next probe; undefined if unknown. */
export function untilAnswer(watched: WatchedConnection, now: number): number | undefined {
  const period = watched.probedAt > 0 ? periods.get(watched.options) : undefined;
  if (period === undefined) return undefined;
  const leftMs = watched.probedAt + period.periodMs + marginMs - now;
  return leftMs > 0 ? leftMs : undefined;
}
