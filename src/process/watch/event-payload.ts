import { unacknowledgedBytes } from '../../native/socket/send-queue.js';
import { nowMs } from '../../node/real-time.js';
import type { Diagnosis } from '../../peer/diagnosis.js';
import type { Snapshot } from '../../peer/snapshot.js';
import type { KeepAliveState } from '../../socket/state.js';
import type { LastSnapshot } from './ending/last-snapshot.js';
import type { LivePeerEvent, NextStep } from './events.js';
import type { WatchedConnection } from './watched-connection.js';

/** net/ipv4/tcp.h: `TCP_RTO_MAX`. */
const longestTimeoutMs = 120_000;

/**
 * Until the next probe of a closed window (include/net/tcp.h, `tcp_probe0_when`): each doubles the time to the one after
 * it. The peer was heard last when it answered the one before those that are unanswered.
 */
function untilWindowProbe({ rtoMs, backoff, probes, silentMs }: Snapshot): number {
  let sinceAnswerMs = 0;
  for (let doublings = Math.max(0, backoff - probes); doublings <= backoff; doublings++) {
    sinceAnswerMs += Math.min(rtoMs * 2 ** doublings, longestTimeoutMs);
  }
  return Math.max(0, sinceAnswerMs - silentMs);
}

function nextStep(
  snapshot: Snapshot,
  diagnosis: Diagnosis,
  { enabled, idle, interval }: KeepAliveState,
  nextProbeMs: number | undefined,
): NextStep | undefined {
  if (diagnosis.isWindowClosed) return { what: 'window probe', inMs: untilWindowProbe(snapshot) };
  if (snapshot.unacked > 0)
    return { what: 'retransmission', inMs: Math.max(0, snapshot.rtoMs - snapshot.lastDataSentMs) };
  if (nextProbeMs !== undefined) return { what: 'probe', inMs: nextProbeMs };
  if (!enabled) return undefined;
  // After a probe that was answered the kernel waits for the interval, where that is longer.
  if (snapshot.probes === 0) return { what: 'probe', inMs: Math.max(0, Math.max(idle, interval) - snapshot.silentMs) };
  const sinceProbe = Math.max(0, snapshot.silentMs - idle) % interval;
  return { what: 'probe', inMs: interval - sinceProbe };
}

/**
 * What an event says of a connection that is there.
 *
 * @param nextProbeMs Until the watch has the kernel probe again, where it does so itself.
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
    next: nextStep(snapshot, diagnosis, options, nextProbeMs),
  };
}

/** What a look leaves to be told once the connection has ended. */
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
 * What is left to be told of a connection that had ended when it was looked at last; `undefined` where nothing of ours
 * was unanswered. The kernel keeps its counts, but neither the queue nor the window.
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

/** What an event says of a connection that is no more: nothing has been received since it was seen last. */
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
