import type { TimeRange } from './time-range.js';
import type { Fired } from './waits.js';

/**
 * Something that happens to a connection from outside its kernel.
 *
 * - `write`: the program writes a little. A peer that is there acknowledges it at once.
 * - `vanish`: the peer, or the path to it, answers nothing any more. `return`: it answers again, and remembers the connection.
 * - `reboot`: the peer has forgotten the connection, and answers the next packet with RST.
 * - `stop-reading`: the peer's program stops reading, and this one fills the window. `resume-reading`: it reads on.
 */
export type EventKind = 'write' | 'vanish' | 'return' | 'reboot' | 'stop-reading' | 'resume-reading';

/** An event, in milliseconds since the peer was heard at the beginning. */
export interface ConnectionEvent {
  readonly atMs: number;
  readonly what: EventKind;
}

/** A middlebox on the path, which forgets a quiet connection. */
export interface ForgetfulMiddlebox {
  /** It forgets the connection when no packet passes for as long. */
  readonly timeoutMs: number;
  /** What it then does: drops every packet, answers the next one with RST, or closes the connection. */
  readonly onExpiry: 'silent' | 'reset' | 'closes';
}

/** What happens to a connection whose peer is there and has just been heard. */
export interface Scenario {
  /** In the order in which they happen. */
  readonly events: readonly ConnectionEvent[];
  /** The program writes each time this has passed: a heartbeat. Default: it does not. */
  readonly everyMs?: number;
  readonly middlebox?: ForgetfulMiddlebox;
  /** When the timeline ends. Default: not before the connection. */
  readonly untilMs?: number;
}

/** How a connection ends: `closed` is an end without an error. */
export type ConnectionError = 'ETIMEDOUT' | 'ECONNRESET' | 'closed';

/** The end of a timeline. */
export interface Outcome {
  /** `either`: how late timers are decides. */
  readonly verdict: 'alive' | 'dead' | 'either';
  /** The errors with which the connection can end. */
  readonly errors: readonly ConnectionError[];
  /** When it ends, in milliseconds since the peer was heard at the beginning. */
  readonly death: TimeRange;
}

/** What a course reports: a packet, or an event, and between which moments it happens. */
export interface CourseStep extends TimeRange {
  readonly step: EventKind | 'forgotten' | 'probe' | 'retransmission' | 'window-probe' | 'dead';
  /** Which packet in a row it is that is not answered, from 1. */
  readonly number?: number;
  /** How many packets the step stands for, each of which is answered. */
  readonly times?: Fired;
  readonly isCertain: boolean;
}

/** Takes the steps of a course. */
export type Report = (step: CourseStep) => void;
