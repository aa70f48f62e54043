import { at, type TimeRange } from './time-range.js';
import type { Fired } from './waits.js';

/** What a connection waits for. */
export type Phase = 'quiet' | 'in-flight' | 'window-closed';

/** A connection in one of the ways in which timers can have brought it to a moment. */
export interface World {
  readonly phase: Phase;
  readonly peer: 'there' | 'gone' | 'rebooted';
  /** When the phase began; that of a quiet connection begins with each sign of life. */
  readonly since: TimeRange;
  /** Whether the peer has answered everything so far. */
  readonly isAnswered: boolean;
  /** Before this moment everything was answered. */
  readonly answeredUntilMs: number;
  /** How many window probes were answered. */
  readonly windowProbes: Fired;
  /** Whether a middlebox has forgotten the connection, so that the peer does not return. */
  readonly isForgotten: boolean;
  readonly isCertain: boolean;
}

const none: Fired = { fewest: 0, most: 0 };

/** Returns a world in which the peer is heard at a moment of a range. */
export const heardAt = ({ peer, isCertain }: World, since: TimeRange): World => ({
  phase: 'quiet',
  peer,
  since,
  isAnswered: true,
  answeredUntilMs: since.earliestMs,
  windowProbes: none,
  isForgotten: false,
  isCertain,
});

/** The peer is there and has just been heard. */
export const beginning: readonly World[] = [
  {
    phase: 'quiet',
    peer: 'there',
    since: at(0),
    isAnswered: true,
    answeredUntilMs: 0,
    windowProbes: none,
    isForgotten: false,
    isCertain: true,
  },
];

/** Moves a time of a wait to where the wait is in a world. `leastGapMs` must pass after the last answer. */
export function placed(
  { since, answeredUntilMs }: World,
  { earliestMs, latestMs }: TimeRange,
  leastGapMs: number,
): TimeRange {
  return {
    earliestMs: Math.max(since.earliestMs + earliestMs, answeredUntilMs + leastGapMs),
    latestMs: since.latestMs + latestMs,
  };
}
