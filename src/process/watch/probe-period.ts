import type { Snapshot } from '../../peer/snapshot.js';
import type { KeepAliveState } from '../../socket/state.js';
import type { WatchedConnection } from './watched-connection.js';

/** How far apart the probes of connections with the same options are. */
interface ProbePeriod {
  periodMs: number;
  /** How often in a row it has been longer than that. */
  longer: number;
}

const periods = new WeakMap<KeepAliveState, ProbePeriod>();

/** The kernel tells times in jiffies: this much later a probe has gone out, and a peer nearby has answered it. */
const marginMs = 40;

/** A period that was shorter for a while, such as after a question, is given up after so many longer ones. */
const longerUntilKept = 3;

function note(options: KeepAliveState, periodMs: number): void {
  // The peer may have said something of itself, without data.
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
 * Takes in that a connection was seen at rest. Where the last that was heard was the answer to a probe, its time is kept:
 * the next probe follows after the same period of the kernel's timer, which rounds up by the same each time.
 *
 * @param now As {@link wholeMs} has it.
 */
export function noteAnsweredProbe(watched: WatchedConnection, snapshot: Snapshot, now: number): void {
  const { silentMs, lastDataReceivedMs, lastDataSentMs, segmentsSent } = snapshot;
  const { probedAt, probedSegments, options } = watched;
  const heardAt = now - silentMs;
  const isAnswer = Math.min(lastDataReceivedMs, lastDataSentMs) >= silentMs + options.idle;
  if (!isAnswer) watched.probedAt = 0;
  else if (heardAt > probedAt + marginMs) {
    // Where more was sent than the one probe, one may have gone unanswered.
    if (probedAt > 0 && segmentsSent === probedSegments + 1) note(options, heardAt - probedAt);
    watched.probedAt = heardAt;
    watched.probedSegments = segmentsSent;
  }
}

/** When the next probe is answered of a connection that has answered one before, in milliseconds; `undefined` if unknown. */
export function untilAnswer(watched: WatchedConnection, now: number): number | undefined {
  const period = watched.probedAt > 0 ? periods.get(watched.options) : undefined;
  if (period === undefined) return undefined;
  const leftMs = watched.probedAt + period.periodMs + marginMs - now;
  return leftMs > 0 ? leftMs : undefined;
}
