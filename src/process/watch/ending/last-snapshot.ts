import type net from 'node:net';
import { nowMs } from '../../../node/real-time.js';
import type { Outstanding } from '../../../peer/diagnosis.js';

/** The last state of a connection that was unanswered, or had been until just before. */
export interface LastSnapshot {
  /** When the snapshot was taken, by the clock of `real-time.ts`. */
  readonly seenAt: number;
  readonly unansweredKind: Outstanding;
  readonly unanswered: number;
  readonly silentMs: number;
  readonly idleMs: number;
  readonly rttMs: number;
  /** `undefined`, like the next field, if the snapshot was taken after the end. */
  readonly unacknowledgedBytes: number | undefined;
  readonly zeroWindow: boolean | undefined;
  readonly userTimeout: number;
}

const lastSnapshots = new WeakMap<object, LastSnapshot>();

/** Keeps the last state of a connection, by its socket and by the error that the connection ended with. */
export function rememberSnapshot(of: net.Socket | Error, snapshot: LastSnapshot): void {
  lastSnapshots.set(of, snapshot);
}

/** Forgets the last state of a connection, which is too old to explain its end. */
export function forgetSnapshot(socket: net.Socket): void {
  lastSnapshots.delete(socket);
}

/** Returns the last state of the connection that has this socket, or that ended with this error. */
export function anySnapshotOf(of: unknown): LastSnapshot | undefined {
  return typeof of === 'object' && of !== null ? lastSnapshots.get(of) : undefined;
}

/** A watch takes several snapshots a second of such a connection. An older one says nothing of the end. */
const freshMs = 10_000;

/** Returns the last state of a connection, if probes or data were unanswered then and the snapshot is recent. */
export function lastSnapshotOf(socket: net.Socket): LastSnapshot | undefined {
  const snapshot = lastSnapshots.get(socket);
  if (snapshot === undefined || nowMs() - snapshot.seenAt > freshMs) return undefined;
  return snapshot.unanswered > 0 || snapshot.zeroWindow === true ? snapshot : undefined;
}
