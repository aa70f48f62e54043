import { unacknowledgedBytes } from '../../native/socket/queued-bytes.js';
import { nowMs } from '../../node/real-time.js';
import type { Diagnosis } from '../../peer/diagnosis.js';
import type { Snapshot } from '../../peer/snapshot.js';
import { limits } from '../../policy/policy.js';
import type { KeepAliveState } from '../../socket/state.js';
import type { LastSnapshot } from './ending/last-snapshot.js';
import type { LivePeerEvent, NextTransmission } from './events.js';
import type { WatchedConnection } from './watched-connection.js';

/**
 * Returns the time until the next probe of a closed window (include/net/tcp.h, `tcp_probe0_when`). Each probe doubles the
 * time to the next. The peer was heard last when it answered the probe before the unanswered ones.
 */
function untilWindowProbe({ rtoMs, backoff, probes, silentMs }: Snapshot, rtoMaxMs: number): number {
  let sinceAnswerMs = 0;
  for (let doublings = Math.max(0, backoff - probes); doublings <= backoff; doublings++) {
    sinceAnswerMs += Math.min(rtoMs * 2 ** doublings, rtoMaxMs);
  }
  return sinceAnswerMs - silentMs;
}

function nextTransmission(
  snapshot: Snapshot,
  diagnosis: Diagnosis,
  { enabled, idle, interval, rtoMax = limits.rtoMax.max }: KeepAliveState,
  nextProbeMs: number | undefined,
): NextTransmission | undefined {
  const next = (what: NextTransmission['what'], inMs: number) => ({ what, inMs: Math.max(0, Math.floor(inMs)) });
  if (diagnosis.isWindowClosed) return next('window-probe', untilWindowProbe(snapshot, rtoMax));
  if (snapshot.unacked > 0) return next('retransmission', snapshot.rtoMs - snapshot.lastDataSentMs);
  if (nextProbeMs !== undefined) return next('probe', nextProbeMs);
  if (!enabled) return undefined;
  // After a probe that was answered the kernel waits for the interval, where that is longer.
  if (snapshot.probes === 0) return next('probe', Math.max(idle, interval) - snapshot.silentMs);
  return next('probe', interval - (Math.max(0, snapshot.silentMs - idle) % interval));
}

/**
 * Describes an open connection for an event.
 *
 * @param nextProbeMs The time until the watch makes the kernel probe again; undefined if the watch does not.
 */
export function describePeer(
  watched: WatchedConnection,
  snapshot: Snapshot,
  diagnosis: Diagnosis,
  nextProbeMs?: number,
): Omit<LivePeerEvent, 'type'> {
  const { socket, local, remote, fd, options } = watched;
  return {
    socket,
    local,
    remote,
    unanswered: diagnosis.unanswered,
    silentMs: snapshot.silentMs,
    idleMs: Math.min(snapshot.lastDataReceivedMs, snapshot.lastDataSentMs),
    rttMs: snapshot.rttMs,
    unacknowledgedBytes: fd === undefined ? 0 : unacknowledgedBytes(fd),
    zeroWindow: diagnosis.isWindowClosed,
    next: nextTransmission(snapshot, diagnosis, options, nextProbeMs),
  };
}

/** Returns the state that is kept until the connection has ended. */
export function snapshotToKeep(watched: WatchedConnection, snapshot: Snapshot, diagnosis: Diagnosis): LastSnapshot {
  const { unanswered, silentMs, idleMs, rttMs, unacknowledgedBytes, zeroWindow } = describePeer(
    watched,
    snapshot,
    diagnosis,
  );
  return {
    seenAt: nowMs(),
    unansweredKind: diagnosis.unansweredKind,
    unanswered,
    silentMs,
    idleMs,
    rttMs,
    unacknowledgedBytes,
    zeroWindow,
    userTimeout: watched.options.userTimeout ?? 0,
  };
}

/**
 * Returns the last state of a connection of which the last snapshot was taken after its end; undefined if nothing was
 * unanswered. The kernel keeps its counts, but neither the queue nor the window.
 */
export function snapshotOfEnd(
  watched: WatchedConnection,
  snapshot: Snapshot,
  before: LastSnapshot | undefined,
): LastSnapshot | undefined {
  const unanswered = Math.max(snapshot.probes, snapshot.retransmits);
  if (snapshot.state !== 'CLOSE' || unanswered === 0) return undefined;
  const kind = snapshot.retransmits > 0 ? 'retransmission' : 'keepalive';
  const unansweredKind = before?.unansweredKind ?? kind;
  return {
    ...snapshotToKeep(watched, snapshot, { unansweredKind, unanswered, isWindowClosed: false, unansweredForMs: 0 }),
    unacknowledgedBytes: before?.unacknowledgedBytes,
    zeroWindow: before?.zeroWindow,
  };
}

/** Returns whether the kernel gave up a connection that ended like this, and not the peer. */
export function hasTimedOut(
  { probes, silentMs }: Snapshot,
  options: KeepAliveState,
  last: LastSnapshot | undefined,
): boolean {
  if (last !== undefined && last.unansweredKind !== 'keepalive') return true;
  const { count, userTimeout } = options;
  return userTimeout ? probes > 0 && silentMs >= userTimeout : probes >= count;
}

/** Describes a connection that has ended, for an event. Nothing was received since the last snapshot. */
export function describeLost({ socket, local, remote }: WatchedConnection, last: LastSnapshot | undefined) {
  const sinceMs = last === undefined ? 0 : nowMs() - last.seenAt;
  const { silentMs, idleMs, rttMs, unacknowledgedBytes, zeroWindow } = last ?? {};
  return {
    socket,
    local,
    remote,
    unanswered: last?.unanswered ?? 0,
    silentMs: silentMs === undefined ? undefined : Math.round(silentMs + sinceMs),
    idleMs: idleMs === undefined ? undefined : Math.round(idleMs + sinceMs),
    rttMs,
    unacknowledgedBytes,
    zeroWindow,
    next: undefined,
  };
}
