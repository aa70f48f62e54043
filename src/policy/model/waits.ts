import type { DetectionConditions } from './detection-time.js';
import { probeRange, probesOnKernels, type QuietSettings, quietDeath } from './quiet-death.js';
import { inFlightDeath, retransmissionRange, windowProbeRange, windowTimeoutDeath } from './retransmission.js';
import { coverRanges, never, type TimeRange } from './time-range.js';
import { kernelHz } from './timer-wheel.js';

/** What the kernel does while it waits for an answer of the peer. Times count from the beginning of the wait. */
export interface Wait {
  /** When the timer fires for the nth time; each firing sends a packet, but the last, which ends the connection. */
  timer(nth: number): TimeRange;
  /** How long the nth firing comes at least after the last moment before the first. */
  gap(nth: number): number;
  /** When the connection ends if nothing is answered. */
  readonly death: TimeRange;
  /** How many packets are sent before that. They differ where late timers decide. */
  readonly sends: Fired;
}

/** How many packets there are, where late timers decide. */
export interface Fired {
  readonly fewest: number;
  readonly most: number;
}

/**
 * A Linux peer answers no second probe within this time (the sysctl `net.ipv4.tcp_invalid_ratelimit`, since 4.0). So it does not
 * answer the second window probe; or not the first, if a keepalive probe went just before.
 */
const answersApartMs = 500;

const noGap = () => 0;

/** Returns a function of a whole number from 1 that computes each result once. */
function remembered<Result>(compute: (nth: number) => Result): (nth: number) => Result {
  const known: Result[] = [];
  return (nth) => {
    known[nth] ??= compute(nth);
    return known[nth];
  };
}

/** Returns how many firings of a timer have come before a moment for certain, and how many can have come before another. */
export function firedBefore(
  timer: (nth: number) => TimeRange,
  surelyMs: number,
  possiblyMs: number,
  limit = Number.POSITIVE_INFINITY,
): Fired {
  let fewest = 0;
  while (fewest < limit && timer(fewest + 1).latestMs < surelyMs) fewest += 1;
  let most = fewest;
  while (most < limit && timer(most + 1).earliestMs < possiblyMs) most += 1;
  return { fewest, most };
}

/** Returns the wait of a connection that is in one of two waits with the same timer. */
export function mergeWaits(one: Wait, other: Wait): Wait {
  return {
    timer: one.timer,
    gap: one.gap,
    death: coverRanges([one.death, other.death]),
    sends: {
      fewest: Math.min(one.sends.fewest, other.sends.fewest),
      most: Math.max(one.sends.most, other.sends.most),
    },
  };
}

/** The waits of connections with the same numbers, on one kernel, or on a kernel of any HZ. */
export class Waits {
  /** Nothing is in flight: keepalive probes. From the last sign of life. */
  readonly quiet: Wait;
  /** Data is in flight: retransmissions. From the transmission. */
  readonly inFlight: Wait;
  /** The window is closed: window probes, of which so many came before the peer was lost. From the closing of the window. */
  readonly windowClosed: (answered: number) => Wait;
  /** When the user timeout ends a connection whose window is closed, whether or not the peer answers. */
  readonly windowTimeout: TimeRange;

  /** @param settings The numbers of keepalive; a state can say that it is off. */
  constructor(settings: QuietSettings, { hz, rtoMs, retries2 = 15 }: DetectionConditions = {}) {
    const clocks = hz === undefined ? kernelHz : [hz];
    const onKernels = (rangeOn: (hz: number) => TimeRange) => coverRanges(clocks.map(rangeOn));
    const conditions = rtoMs === undefined ? { retries2 } : { retries2, rtoMs };

    this.quiet =
      'enabled' in settings && !settings.enabled
        ? { timer: () => never, gap: noGap, death: never, sends: { fewest: 0, most: 0 } }
        : {
            timer: remembered((nth) => onKernels((each) => probeRange(settings, nth, each))),
            gap: (nth) => (nth - 1) * settings.interval,
            death: onKernels((each) => quietDeath(settings, each)),
            sends: probesOnKernels(settings, clocks),
          };

    const retransmission = remembered((nth) =>
      onKernels((each) => retransmissionRange(nth, settings, conditions, each)),
    );
    const death = onKernels((each) => inFlightDeath(settings, conditions, each));
    this.inFlight = {
      timer: retransmission,
      gap: noGap,
      death,
      sends: firedBefore(retransmission, death.earliestMs, death.latestMs),
    };

    const windowProbe = remembered((nth) => onKernels((each) => windowProbeRange(nth, settings, conditions, each)));
    const { userTimeout } = settings;
    this.windowTimeout = userTimeout
      ? onKernels((each) => windowTimeoutDeath(userTimeout, settings, conditions, each))
      : never;
    this.windowClosed = (answered) => {
      const isTooSoon = windowProbe(2).latestMs - windowProbe(1).latestMs < answersApartMs;
      const most = answered + retries2;
      const fewest = isTooSoon && (answered === 1 || answered === 2) ? most - 1 : most;
      const death = {
        earliestMs: Math.min(this.windowTimeout.earliestMs, windowProbe(fewest + 1).earliestMs),
        latestMs: Math.min(this.windowTimeout.latestMs, windowProbe(most + 1).latestMs),
      };
      return {
        timer: windowProbe,
        gap: noGap,
        death,
        sends: firedBefore(windowProbe, death.earliestMs, death.latestMs, most),
      };
    };
  }
}
