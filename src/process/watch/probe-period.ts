import type { Snapshot } from '../../peer/snapshot.js';
import type { KeepAliveState } from '../../socket/state.js';
import type { WatchedConnection } from './watched-connection.js';

/** How far apart the probes of connections with the same options are. */
interface Rhythm {
  periodMs: number;
  /** How often in a row it has been longer than that. */
  longer: number;
}

const rhythms = new WeakMap<KeepAliveState, Rhythm>();

/** The kernel tells times in jiffies: this much later a probe has gone out, and a peer nearby has answered it. */
const marginMs = 40;

/** A rhythm that was shorter for a while, such as after a question, is given up after so many longer ones. */
const longerUntilKept = 3;

function note(options: KeepAliveState, periodMs: number): void {
  // The peer may have said something of itself, without data.
  if (periodMs < options.idle - marginMs) return;
  const rhythm = rhythms.get(options);
  if (rhythm === undefined) rhythms.set(options, { periodMs, longer: 0 });
  else if (periodMs <= rhythm.periodMs + marginMs / 2) {
    rhythm.periodMs = Math.min(rhythm.periodMs, periodMs);
    rhythm.longer = 0;
  } else {
    rhythm.longer += 1;
    if (rhythm.longer > longerUntilKept) rhythms.set(options, { periodMs, longer: 0 });
  }
}

/**
 * Takes in that a connection was seen at rest. Where the last that was heard was the answer to a probe, its time is kept:
 * the next probe follows in the rhythm of the kernel's timer, which rounds up by the same each time.
 *
 * @param now As {@link wholeMs} has it.
 */
export function noteAnsweredProbe(watched: WatchedConnection, snapshot: Snapshot, now: number): void {
  const { silentMs, dataReceivedMs, dataSentMs, segmentsSent } = snapshot;
  const { probedAt, probedSegments, options } = watched;
  const heardAt = now - silentMs;
  const isAnswer = Math.min(dataReceivedMs, dataSentMs) >= silentMs + options.idle;
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
  const rhythm = watched.probedAt > 0 ? rhythms.get(watched.options) : undefined;
  if (rhythm === undefined) return undefined;
  const leftMs = watched.probedAt + rhythm.periodMs + marginMs - now;
  return leftMs > 0 ? leftMs : undefined;
}
