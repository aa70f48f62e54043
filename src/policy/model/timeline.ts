import { followConnection } from './course.js';
import type { DetectionConditions, DetectionScenario } from './detection-time.js';
import type { QuietSettings } from './quiet-death.js';
import type { CourseStep, Outcome, Scenario } from './scenario.js';
import type { TimeRange } from './time-range.js';
import { Waits } from './waits.js';

/**
 * A step of a timeline: an event of the scenario, or something that the kernel does.
 *
 * - `last-segment`: the peer is heard at the beginning.
 * - `forgotten`: a middlebox forgets the connection.
 * - `probe`, `retransmission`, `window-probe`: the kernel sends a keepalive probe, the data again, a probe of the window.
 * - `dead`: the kernel ends the connection, with `ETIMEDOUT`, or with `ECONNRESET` where the peer answers with RST.
 */
export type TimelineStep = CourseStep['step'] | 'last-segment';

/** A step, and between which moments it happens, in milliseconds since the first step. */
export interface TimelineEntry extends TimeRange {
  readonly step: TimelineStep;
  /** Which packet in a row it is that is not answered, from 1. */
  readonly number?: number;
  /** How many packets the entry stands for, each of which is answered. */
  readonly times?: CourseStep['times'];
  /** Whether it happens in any case: how late timers are can decide whether there is one more. */
  readonly isCertain: boolean;
}

/** Every packet and timer of a connection, and how it ends. */
export interface Timeline extends Outcome {
  /** In the order of their earliest moments; a death at its latest. */
  readonly entries: readonly TimelineEntry[];
}

/**
 * Returns every packet and timer of a connection on which a scenario is played. At its beginning the peer is there and has just
 * been heard.
 */
export function timeline(settings: QuietSettings, scenario: Scenario, conditions: DetectionConditions = {}): Timeline {
  const entries: TimelineEntry[] = [{ step: 'last-segment', earliestMs: 0, latestMs: 0, isCertain: true }];
  const outcome = followConnection(new Waits(settings, conditions), scenario, (step) => entries.push(step));
  const order = ({ step, earliestMs, latestMs }: TimelineEntry) => (step === 'dead' ? latestMs : earliestMs);
  return { ...outcome, entries: entries.sort((a, b) => order(a) - order(b)) };
}

const losses: Readonly<Record<DetectionScenario, Scenario['events']>> = {
  idle: [{ atMs: 0, what: 'vanish' }],
  rebooted: [{ atMs: 0, what: 'reboot' }],
  'data-in-flight': [
    { atMs: 0, what: 'vanish' },
    { atMs: 0, what: 'write' },
  ],
};

/**
 * Returns what the kernel does on a connection whose peer is lost, in the order in which it happens, from the last segment or the
 * data in flight on. The last entry is the prediction of `detectionTime`.
 */
export function lossTimeline(
  settings: QuietSettings,
  scenario: DetectionScenario,
  conditions: DetectionConditions = {},
): readonly TimelineEntry[] {
  const { entries } = timeline(settings, { events: losses[scenario] }, conditions);
  const first = scenario === 'data-in-flight' ? 'write' : 'last-segment';
  return entries.filter(({ step }) => step === first || (step !== 'last-segment' && !isLoss(step)));
}

const isLoss = (step: TimelineStep) => step === 'vanish' || step === 'reboot';
