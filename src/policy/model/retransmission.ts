import type { KeepAliveState } from '../settings.js';
import type { TimeRange } from './time-range.js';
import { jiffyMs, timerLatenessMs } from './timer-wheel.js';

/** include/net/tcp.h: `TCP_RTO_MIN` is HZ/5 and `TCP_RTO_MAX` is 120 x HZ; a socket can have a smaller maximum since 6.15. */
const minimumRtoMs = 200;
const defaultRtoMaxMs = 120_000;

/** The numbers that decide when a peer that vanishes with data in flight is noticed. */
export type InFlightSettings = Partial<Pick<KeepAliveState, 'userTimeout' | 'rtoMax'>>;

/** What else decides that. */
export interface InFlightConditions {
  /** The sysctl `net.ipv4.tcp_retries2`. */
  readonly retries2: number;
  /** The retransmission timeout before the first retransmission, in milliseconds. Default: that of a fast path. */
  readonly rtoMs?: number;
  /** Whether the kernel sends window probes instead, because the peer's window is closed. Default: false. */
  readonly isWindowClosed?: boolean;
}

/** The retransmission timeout of a connection before its first retransmission, as a range. */
function rtoRange(rtoMs: number | undefined, hz: number): TimeRange {
  if (rtoMs !== undefined) return { earliestMs: rtoMs, latestMs: rtoMs + jiffyMs(hz) };
  // The smoothed round trip, however short, comes on top of the minimum, and the sum is rounded up to whole jiffies.
  return { earliestMs: minimumRtoMs + jiffyMs(hz), latestMs: minimumRtoMs + 2 * jiffyMs(hz) };
}

/**
 * When the first retransmission by timeout happens, counted from the transmission.
 *
 * A tail loss probe (RFC 8985, section 7) may go first and starts the timer anew, which doubles the time.
 */
function firstRetransmission(rto: TimeRange, hz: number): TimeRange {
  return {
    earliestMs: rto.earliestMs,
    latestMs: 2 * (rto.latestMs + timerLatenessMs(rto.latestMs, hz)),
  };
}

/**
 * The sum of the intervals of a timer that doubles from one firing to the next, at most `mostDoublings` times, up to a maximum: of
 * those from `first` on, counted from 0, before `end`.
 */
function sumOfIntervals(rto: TimeRange, first: number, end: number, rtoMax: number, mostDoublings: number, hz: number) {
  let [earliestMs, latestMs] = [0, 0];
  for (let at = first, times = 1; at < end; at += times) {
    const doubled = 2 ** Math.min(at, mostDoublings);
    const shortest = Math.min(rto.earliestMs * doubled, rtoMax);
    const longest = Math.min(rto.latestMs * doubled, rtoMax);
    // Once the interval doubles no more, all that follow are the same.
    times = shortest === rtoMax || at >= mostDoublings ? end - at : 1;
    earliestMs += times * shortest;
    latestMs += times * (longest + timerLatenessMs(longest, hz));
  }
  return { earliestMs, latestMs };
}

/** When the `number`th retransmission by timeout happens, counted from the transmission; 1 is the first. */
export function retransmissionRange(
  number: number,
  { rtoMax = defaultRtoMaxMs }: InFlightSettings,
  { rtoMs }: Pick<InFlightConditions, 'rtoMs'>,
  hz: number,
): TimeRange {
  const rto = rtoRange(rtoMs === undefined ? undefined : Math.min(rtoMs, rtoMax), hz);
  const first = firstRetransmission(rto, hz);
  const others = sumOfIntervals(rto, 1, number, rtoMax, Number.POSITIVE_INFINITY, hz);
  return { earliestMs: first.earliestMs + others.earliestMs, latestMs: first.latestMs + others.latestMs };
}

/**
 * When a connection with a user timeout dies of unacknowledged data, counted from its transmission.
 *
 * `retransmits_timed_out()` in net/ipv4/tcp_timer.c counts the user timeout from the first retransmission, and the
 * timer is shortened to end with it (`tcp_clamp_rto_to_user_timeout`, since 4.19).
 */
function userTimeoutDeath(userTimeoutMs: number, rtoMs: number | undefined, hz: number): TimeRange {
  return afterTimeout(firstRetransmission(rtoRange(rtoMs, hz), hz), userTimeoutMs, hz);
}

/** When the timer that is shortened to end with the user timeout fires, if that counts from `first`. */
function afterTimeout(first: TimeRange, userTimeoutMs: number, hz: number): TimeRange {
  return {
    earliestMs: first.earliestMs + userTimeoutMs,
    latestMs: first.latestMs + userTimeoutMs + jiffyMs(hz) + timerLatenessMs(userTimeoutMs, hz),
  };
}

/**
 * The time that `tcp_retries2` stands for: `tcp_model_timeout()` in net/ipv4/tcp_timer.c, which always reckons with
 * the smallest retransmission timeout. 15 gives the 924.6 s of Documentation/networking/ip-sysctl.rst.
 */
function modelTimeoutMs(retries2: number, rtoMaxMs: number): number {
  const doublings = Math.floor(Math.log2(rtoMaxMs / minimumRtoMs));
  if (retries2 <= doublings) return (2 ** (retries2 + 1) - 1) * minimumRtoMs;
  return (2 ** (doublings + 1) - 1) * minimumRtoMs + (retries2 - doublings) * rtoMaxMs;
}

/**
 * When a connection without a user timeout dies of unacknowledged data, counted from its transmission: at the first
 * retransmission tick at or after the time that `tcp_retries2` stands for.
 */
function retriesDeath(retries2: number, rtoMs: number | undefined, rtoMaxMs: number, hz: number): TimeRange {
  const rto = rtoRange(rtoMs, hz);
  const first = firstRetransmission(rto, hz);
  const timeoutMs = modelTimeoutMs(retries2, rtoMaxMs);
  const tick = { earliestMs: 0, latestMs: 0 };
  let earliestMs: number | undefined;
  for (let doubled = 2; ; doubled *= 2) {
    const shortest = Math.min(rto.earliestMs * doubled, rtoMaxMs);
    const longest = Math.min(rto.latestMs * doubled, rtoMaxMs);
    tick.earliestMs += shortest;
    tick.latestMs += longest + timerLatenessMs(longest, hz);
    if (earliestMs === undefined && tick.latestMs >= timeoutMs) earliestMs = Math.max(timeoutMs, tick.earliestMs);
    if (earliestMs !== undefined && tick.earliestMs >= timeoutMs) {
      return { earliestMs: first.earliestMs + earliestMs, latestMs: first.latestMs + tick.latestMs };
    }
  }
}

/**
 * Predicts when a connection dies whose peer has vanished with a closed window, without a user timeout. The time counts
 * from the peer's last acknowledgement.
 *
 * `tcp_probe_timer()` in net/ipv4/tcp_timer.c gives up at the tick after `tcp_retries2` unanswered window probes. Their
 * interval doubles up to TCP_RTO_MAX, and stays there while the peer answers. How far it had doubled is not known.
 */
function windowProbesDeath(retries2: number, rtoMaxMs: number, hz: number): TimeRange {
  const longest = rtoMaxMs + timerLatenessMs(rtoMaxMs, hz);
  return { earliestMs: modelTimeoutMs(retries2, rtoMaxMs), latestMs: (retries2 + 1) * longest };
}

/**
 * When the `number`th window probe goes out, counted from the moment at which the peer closed its window; 1 is the first.
 *
 * The interval doubles, answered or not, at most `tcp_retries2` times (tcp_send_probe0() in net/ipv4/tcp_output.c).
 */
export function windowProbeRange(
  number: number,
  { rtoMax = defaultRtoMaxMs }: InFlightSettings,
  { rtoMs, retries2 }: InFlightConditions,
  hz: number,
): TimeRange {
  const rto = rtoRange(rtoMs === undefined ? undefined : Math.max(rtoMs, minimumRtoMs), hz);
  return sumOfIntervals(rto, 0, number, rtoMax, retries2, hz);
}

/**
 * When a connection with a user timeout dies whose peer closed its window, whether or not the peer answers, counted from that
 * moment: the user timeout counts from the first window probe (tcp_probe_timer() in net/ipv4/tcp_timer.c).
 */
export function windowTimeoutDeath(
  userTimeoutMs: number,
  settings: InFlightSettings,
  conditions: InFlightConditions,
  hz: number,
): TimeRange {
  return afterTimeout(windowProbeRange(1, settings, conditions, hz), userTimeoutMs, hz);
}

/** Predicts when a connection dies whose peer has vanished with data in flight, counted from the transmission. */
export function inFlightDeath(
  { userTimeout, rtoMax = defaultRtoMaxMs }: InFlightSettings,
  { retries2, rtoMs: givenRtoMs, isWindowClosed }: InFlightConditions,
  hz: number,
): TimeRange {
  const rtoMs = givenRtoMs === undefined ? undefined : Math.min(givenRtoMs, rtoMax);
  if (userTimeout) return userTimeoutDeath(userTimeout, rtoMs, hz);
  return isWindowClosed ? windowProbesDeath(retries2, rtoMax, hz) : retriesDeath(retries2, rtoMs, rtoMax, hz);
}
