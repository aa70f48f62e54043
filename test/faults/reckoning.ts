import { detectionTime, type TimeRange } from '../../src/index.js';
import { jiffyMs, kernelHz, timerLatenessMs } from '../../src/policy/model/timer-wheel.js';

/** The watch looks every 200 ms while something is unanswered, and puts looks together in slots of 25 ms. */
const lookMs = 200 + 25;

const longestJiffyMs = Math.max(...kernelHz.map(jiffyMs));

function latenessMs(delayMs: number): number {
  return Math.max(...kernelHz.map((hz) => timerLatenessMs(delayMs, hz)));
}

/** The time until the `n`th attempt of a timer that starts at `rtoMs` and doubles: rto x (2^n - 1). */
function attempt(n: number, rtoMs: number): TimeRange {
  let [earliestMs, latestMs] = [0, 0];
  for (let delayMs = rtoMs; n > 0; n -= 1, delayMs *= 2) {
    earliestMs += delayMs;
    latestMs += delayMs + latenessMs(delayMs);
  }
  return { earliestMs, latestMs };
}

function plus(range: TimeRange, { earliestMs, latestMs }: TimeRange): TimeRange {
  return { earliestMs: range.earliestMs + earliestMs, latestMs: range.latestMs + latestMs };
}

/**
 * A watch's `deadAfter` of data in flight, counted from their transmission.
 *
 * The watch reckons back from the retransmission timeout to the first transmission, or to the tail loss probe (RFC 8985)
 * that went out a timeout later; the times that it reads are whole jiffies.
 */
export function watchInFlight(deadAfterMs: number, rtoMs: number): TimeRange {
  return {
    earliestMs: deadAfterMs - 2 * longestJiffyMs,
    latestMs: deadAfterMs + attempt(1, rtoMs).latestMs + lookMs,
  };
}

/**
 * The same where ICMP errors come back: they undo the doubling of the retransmission timeout (RFC 6069), so the watch can
 * reckon back no further than to the last transmission before it noticed that one is unanswered.
 */
export function watchUnreachable(deadAfterMs: number, rtoMs: number): TimeRange {
  return plus(watchInFlight(deadAfterMs, rtoMs), { earliestMs: 0, latestMs: attempt(1, rtoMs).latestMs });
}

/** How many window probes a peer that does not read has answered when it crashes. */
export const answeredWindowProbes = 3;

/**
 * A watch's `deadAfter` of a peer that crashes after {@link answeredWindowProbes}, counted from the closing of its window:
 * window probes go out after the retransmission timeout and then double (net/ipv4/tcp_timer.c, `tcp_probe_timer`), and
 * the watch counts from the look that finds the next one unanswered.
 */
export function watchWindow(deadAfterMs: number, rtoMs: number): TimeRange {
  const unanswered = attempt(answeredWindowProbes + 1, rtoMs);
  return plus(unanswered, { earliestMs: deadAfterMs, latestMs: deadAfterMs + 2 * lookMs });
}

/**
 * The user timeout of a connection whose peer does not read, counted from the closing of the window: from the first
 * window probe on, whether or not probes are answered (net/ipv4/tcp_timer.c, `tcp_probe_timer`), and the timer is
 * shortened to end with it (`tcp_clamp_probe0_to_user_timeout`, since 5.11).
 */
export function userTimeoutWindow(userTimeoutMs: number, rtoMs: number): TimeRange {
  return plus(attempt(1, rtoMs), {
    earliestMs: userTimeoutMs - longestJiffyMs,
    latestMs: userTimeoutMs + latenessMs(userTimeoutMs),
  });
}

/**
 * The user timeout of data in flight where ICMP errors come back: each sets the retransmission timer anew, without
 * regard to the user timeout (net/ipv4/tcp_ipv4.c, `tcp_ld_RTO_revert`), so the end is the first timer that expires after
 * it. As many errors as the router leaves out, so often is the timer doubled.
 */
export function userTimeoutUnreachable(userTimeoutMs: number, rtoMs: number): TimeRange {
  let n = 0;
  while (attempt(n, rtoMs).earliestMs < rtoMs + userTimeoutMs) n += 1;
  return {
    earliestMs: rtoMs + userTimeoutMs,
    latestMs: attempt(n, rtoMs).latestMs + attempt(1, rtoMs).latestMs,
  };
}

/**
 * Keepalive where the peer hears nothing and goes on sending, counted from its first segment: all it can send is that
 * segment again, which its kernel does after timeouts that double, and each time counts as life. So it is dead once such
 * a pause is longer than what keepalive takes of a silent peer. A tail loss probe may go first, which starts the
 * doubling anew.
 */
export function deafPeer(policy: string, rtoMs: number): TimeRange {
  const silent = detectionTime(policy);
  let n = 0;
  while (rtoMs * 2 ** n < silent.latestMs) n += 1;
  const last = attempt(n, rtoMs);
  return plus({ earliestMs: last.earliestMs, latestMs: last.latestMs + attempt(1, rtoMs).latestMs }, silent);
}
