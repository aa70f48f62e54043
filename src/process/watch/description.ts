import { unacknowledgedBytes } from '../../native/index.js';
import type { KeepAliveState } from '../../socket/index.js';
import type { Condition } from './condition.js';
import type { LastSight } from './death.js';
import type { LivePeerEvent, NextStep } from './events.js';
import type { Sight } from './sight.js';
import type { Watched } from './watched.js';

function nextStep(
  sight: Sight,
  condition: Condition,
  { enabled, idle, interval }: KeepAliveState,
  nextProbeMs: number | undefined,
): NextStep | undefined {
  if (condition.isWindowClosed) return { what: 'window probe', inMs: Math.max(0, sight.rtoMs - sight.dataSentMs) };
  if (sight.unacked > 0) return { what: 'retransmission', inMs: Math.max(0, sight.rtoMs - sight.dataSentMs) };
  if (nextProbeMs !== undefined) return { what: 'probe', inMs: nextProbeMs };
  if (!enabled) return undefined;
  if (sight.probes === 0) return { what: 'probe', inMs: Math.max(0, idle - sight.silentMs) };
  const sinceProbe = Math.max(0, sight.silentMs - idle) % interval;
  return { what: 'probe', inMs: interval - sinceProbe };
}

/**
 * What an event says of a connection that is there.
 *
 * @param nextProbeMs Until the watch has the kernel probe again, where it does so itself.
 */
export function describePeer(
  watched: Watched,
  sight: Sight,
  condition: Condition,
  nextProbeMs?: number,
): Omit<LivePeerEvent, 'type'> {
  const { socket, local, remote, fd, options } = watched;
  return {
    socket,
    local,
    remote,
    unanswered: condition.unanswered,
    silentMs: sight.silentMs,
    idleMs: Math.min(sight.dataReceivedMs, sight.dataSentMs),
    rttMs: sight.rttMs,
    unacknowledgedBytes: fd === undefined ? 0 : unacknowledgedBytes(fd),
    zeroWindow: condition.isWindowClosed,
    next: nextStep(sight, condition, options, nextProbeMs),
  };
}

/** What a look leaves to be told once the connection has ended. */
export function sightToKeep(watched: Watched, sight: Sight, condition: Condition): LastSight {
  const { unanswered, silentMs, idleMs, rttMs, unacknowledgedBytes, zeroWindow } = describePeer(
    watched,
    sight,
    condition,
  );
  return {
    seenAt: performance.now(),
    unansweredKind: condition.unansweredKind,
    unanswered,
    silentMs,
    idleMs,
    rttMs,
    unacknowledgedBytes,
    zeroWindow,
    userTimeout: watched.options.userTimeout ?? 0,
  };
}

/** What an event says of a connection that is no more: nothing has been received since it was seen last. */
export function describeLost({ socket, local, remote }: Watched, last: LastSight | undefined) {
  const sinceMs = last === undefined ? 0 : performance.now() - last.seenAt;
  const { silentMs, idleMs, rttMs, unacknowledgedBytes, zeroWindow } = last ?? {};
  return {
    socket,
    local,
    remote,
    unanswered: last?.unanswered ?? 0,
    silentMs: silentMs === undefined ? undefined : silentMs + sinceMs,
    idleMs: idleMs === undefined ? undefined : idleMs + sinceMs,
    rttMs,
    unacknowledgedBytes,
    zeroWindow,
    next: undefined,
  };
}
