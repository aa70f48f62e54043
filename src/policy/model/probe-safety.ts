import { limits } from '../policy.js';
import type { KeepAliveState } from '../settings.js';
import { kernelHz, timerLatenessMs } from './timer-wheel.js';

/** The state of a connection whose kernel must send an extra keepalive probe. Durations are in milliseconds. */
export interface ProbedConnection extends Omit<KeepAliveState, 'interval'> {
  /** Default: 1 s, the least that the kernel allows, if unknown. */
  readonly interval?: number;
  /** The probes that the peer has not answered (`tcpi_probes`). */
  readonly unanswered: number;
  /** Time since data or an acknowledgement came from the peer. */
  readonly silentMs: number;
}

/**
 * The answer to whether an extra probe may be sent.
 *
 * - `'probe'`: yes. An unanswered probe ends no connection.
 * - `'wait'`: no, but the kernel sends a probe of its own within a second and a timer's lateness.
 * - otherwise no: `why` is the reason, `remedy` says how to change that.
 */
export type ProbeDecision = 'probe' | 'wait' | { readonly why: string; readonly remedy: string };

/** TCP_KEEPIDLE reads 1 s for this long at most while a probe is forced. */
export const overrideMs = 50;

/** A peer may be unreachable for this long without harm from an extra probe. */
const outageMs = 5000;

const leastIdleMs = limits.idle.min;
const leastIntervalMs = limits.interval.min;
const asRoot =
  'run `tcp-keepalive check` as root: with CAP_NET_RAW, CAP_BPF and CAP_PERFMON it asks without a change to the socket';

/** Returns the latest moment at which a timer of this length can fire, on any kernel. */
export function latestTickMs(ms: number): number {
  return ms + Math.max(...kernelHz.map((hz) => timerLatenessMs(ms, hz)));
}

/** Returns how many probes of its own the kernel can send while the peer is unreachable. */
function ownProbes(untilOwnProbeMs: number, intervalMs: number): number {
  if (untilOwnProbeMs >= outageMs) return 0;
  return 1 + Math.floor((outageMs - Math.max(0, untilOwnProbeMs)) / intervalMs);
}

/**
 * Decides whether the kernel may be made to send one extra probe by setting TCP_KEEPIDLE to 1 s and restoring it.
 *
 * An unanswered extra probe stays in the kernel's count until any acknowledgement arrives. Restoring an idle time that has
 * passed makes the kernel send a second probe. The kernel ends a connection at a tick of its timer, before it probes, when
 * `count` probes are unanswered, or with a user timeout when one is and the peer has been silent for that long.
 *
 * @see Linux net/ipv4/tcp_timer.c, tcp_keepalive_timer; net/ipv4/tcp.c, tcp_sock_set_keepidle_locked
 */
export function probeDecision(connection: ProbedConnection): ProbeDecision {
  const { enabled, idle, interval = leastIntervalMs, count, userTimeout, unanswered, silentMs } = connection;
  if (!enabled) {
    return { why: 'keepalive is off, so the kernel sends no probe', remedy: `turn keepalive on, or ${asRoot}` };
  }
  if (idle === leastIdleMs) return 'wait';
  if (idle < leastIdleMs || idle > limits.idle.max) {
    return { why: 'its idle time comes from a sysctl and is more than a socket can be given back', remedy: asRoot };
  }
  const untilOwnProbeMs = idle - silentMs;
  const probes = untilOwnProbeMs <= overrideMs ? 2 : 1;
  if (unanswered + probes + ownProbes(untilOwnProbeMs, interval) >= count) {
    const of = `${unanswered} of ${count} probes are unanswered`;
    return { why: `an unanswered probe could end it: ${of}`, remedy: asRoot };
  }
  if (userTimeout && (unanswered > 0 || userTimeout <= latestTickMs(Math.max(idle, silentMs)))) {
    return { why: 'an unanswered probe could end it: its user timeout could be found exceeded', remedy: asRoot };
  }
  return 'probe';
}
