import { limits } from '../policy.js';
import type { KeepAliveState } from '../settings.js';
import { latestTickMs } from './probe-safety.js';

/** The probes and data that a peer has not answered, and for how long. */
export interface Unanswered {
  /** Keepalive probes that are unanswered (`tcpi_probes`). */
  readonly probes: number;
  /** Upper bound of the time since data were sent again for the first time without an answer; 0 if none were. */
  readonly retransmittingMs: number;
  /** Time since data or an acknowledgement came from the peer. */
  readonly silentMs: number;
  /** Whether the kernel has sent probes of a closed window. */
  readonly isWindowClosed: boolean;
}

/** A peer that is back answers one of this many probes. */
const enoughProbes = 20;

/** The rules that a change makes stricter for probes and data that are unanswered. */
interface Effect {
  /** The kernel may find more unanswered probes than the new count allows. */
  readonly onCount: boolean;
  /** The kernel may find the user timeout exceeded at the next tick of the keepalive timer. */
  readonly onSilence: boolean;
  /** The kernel may find the user timeout exceeded by data in flight. */
  readonly onDataInFlight: boolean;
  /** The kernel may find the user timeout exceeded by the time since the first probe of a closed window. */
  readonly onClosedWindow: boolean;
}

function effectOf(before: KeepAliveState, wanted: KeepAliveState, unanswered: Unanswered, isRearmed: boolean): Effect {
  const [timeoutBefore, timeout] = [before.userTimeout ?? 0, wanted.userTimeout ?? 0];
  const isStricter = timeout > 0 && (timeoutBefore === 0 || timeout < timeoutBefore);
  const isProbed = unanswered.probes > 0;
  // Without a user timeout the count decides.
  const isCountStricter = wanted.count < before.count || (timeoutBefore > 0 && timeout === 0);
  return {
    onCount: isProbed && (isRearmed || isStricter || isCountStricter),
    onSilence: isProbed && timeout > 0 && (isRearmed || isStricter),
    onDataInFlight: isStricter && unanswered.retransmittingMs > 0,
    onClosedWindow: isStricter && unanswered.isWindowClosed,
  };
}

/** Returns the wanted state, but with the rtoMax of before while data are sent again and the wanted one is smaller. */
function withoutShorterRtoMax(before: KeepAliveState, wanted: KeepAliveState, unanswered: Unanswered): KeepAliveState {
  const { max } = limits.rtoMax;
  const isShorter = (wanted.rtoMax ?? max) < (before.rtoMax ?? max);
  if (!isShorter || unanswered.retransmittingMs === 0) return wanted;
  const { rtoMax: _, ...others } = wanted;
  return before.rtoMax === undefined ? others : { ...others, rtoMax: before.rtoMax };
}

/** Returns the latest silence that the next tick of the keepalive timer can find. */
function silenceAtNextTickMs(
  before: KeepAliveState,
  wanted: KeepAliveState,
  silentMs: number,
  isRearmed: boolean,
): number {
  return latestTickMs(isRearmed ? Math.max(wanted.idle, silentMs) : Math.max(before.idle, silentMs + before.interval));
}

/**
 * Returns the options that a connection can be given now instead of `goal`, so that a change counts from now on.
 *
 * At a tick of its timer the kernel ends a connection with `count` unanswered probes, or with a user timeout that the
 * silence has reached, before it probes again. A change that is stricter, or that brings that tick forward, would
 * therefore end a connection whose peer is back. Until the peer has answered, the unanswered probes are added to the
 * count, and the user timeout is longer than the silence that the next tick finds. For data in flight the user timeout
 * counts from now on. While the peer's window is closed the user timeout stays: the kernel counts it from the first window
 * probe, even if the peer answers, and does not tell that time. While data are sent again a smaller rtoMax waits: the kernel
 * counts it from the first retransmission, too. Returns `goal` itself if the change ends no connection.
 *
 * @param isRearmed Whether the change sets TCP_KEEPIDLE or turns keepalive on, which rearms the timer.
 * @see Linux net/ipv4/tcp_timer.c, tcp_keepalive_timer, retransmits_timed_out, tcp_probe_timer
 */
export function interimState(
  before: KeepAliveState,
  goal: KeepAliveState,
  unanswered: Unanswered,
  isRearmed: boolean,
): KeepAliveState {
  const wanted = withoutShorterRtoMax(before, goal, unanswered);
  const { probes, retransmittingMs, silentMs } = unanswered;
  const { onCount, onSilence, onDataInFlight, onClosedWindow } = effectOf(before, wanted, unanswered, isRearmed);
  if (!onCount && !onDataInFlight && !onClosedWindow) return wanted;
  // A count that a sysctl gives can be larger than an option can be.
  const isCounted = onCount && wanted.count <= limits.count.max;
  const count = isCounted ? Math.min(limits.count.max, wanted.count + probes) : wanted.count;
  // Near the end of what the kernel can count nothing can be changed before the peer has answered.
  if (isCounted && count - probes < Math.min(wanted.count, enoughProbes)) return before;
  const timeout = wanted.userTimeout ?? 0;
  const nextTickMs = onSilence ? silenceAtNextTickMs(before, wanted, silentMs, isRearmed) + 1 : 0;
  const inFlightMs = onDataInFlight ? retransmittingMs + timeout : 0;
  if (onClosedWindow) {
    const keptMs = before.userTimeout ?? 0;
    return { ...wanted, count, userTimeout: keptMs === 0 ? 0 : Math.ceil(Math.max(keptMs, nextTickMs)) };
  }
  if (timeout >= Math.max(nextTickMs, inFlightMs)) return { ...wanted, count };
  const userTimeout = Math.min(limits.userTimeout.max, Math.ceil(Math.max(nextTickMs, inFlightMs)));
  return { ...wanted, count, userTimeout };
}
