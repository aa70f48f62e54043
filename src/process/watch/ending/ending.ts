import { type EndReason, reasonTexts } from '../../../peer/end-reason.js';
import type { Snapshot } from '../../../peer/snapshot.js';
import { describeLost, hasTimedOut, snapshotOfEnd } from '../event-payload.js';
import type { WatchedConnection } from '../watched-connection.js';
import { DeadPeerError } from './dead-peer-error.js';
import { isOfConnection, reasonOf } from './end-of-socket.js';
import { anySnapshotOf, forgetSnapshot, lastSnapshotOf, rememberSnapshot } from './last-snapshot.js';

/** How a connection ended; `'program'` if its own program ended it, which is no event. */
export type Ending = 'program' | { readonly reason: EndReason | undefined; readonly error: Error | undefined };

/** Keeps the state of a connection at its end, for `explainDeath`, also in a listener of the socket's error. */
export function noteLastSnapshot(watched: WatchedConnection, snapshot: Snapshot | undefined): void {
  const { socket } = watched;
  if (snapshot !== undefined) watched.lastSeen = snapshot;
  const before = lastSnapshotOf(socket);
  const last = (snapshot && snapshotOfEnd(watched, snapshot, before)) ?? before;
  if (last === undefined) {
    forgetSnapshot(socket);
    return;
  }
  rememberSnapshot(socket, last);
  const { errored } = socket;
  if (errored && isOfConnection(errored, socket, snapshot?.state)) rememberSnapshot(errored, last);
}

/** Returns how a connection ended after its socket was destroyed. */
export function endingOfDestroyed({ socket, lastSeen, isEndedFirst }: WatchedConnection): Ending {
  const { errored, readableEnded } = socket;
  if (errored === null) {
    return readableEnded && !isEndedFirst ? { reason: 'closed', error: undefined } : 'program';
  }
  if (!isOfConnection(errored, socket, lastSeen?.state)) return 'program';
  return { reason: reasonOf(errored, anySnapshotOf(socket)), error: errored };
}

/**
 * Returns how a connection ended that the kernel has ended while Node.js did not read from it.
 *
 * @param taken The kernel's error for the next read, if it was taken; otherwise the reason follows from the last state.
 */
export function endingOfUnread(watched: WatchedConnection, snapshot: Snapshot, taken: string | undefined): Ending {
  const { socket, options, isEndedFirst } = watched;
  const last = lastSnapshotOf(socket);
  noteLastSnapshot(watched, snapshot);
  const inferred = socket.writableFinished ? undefined : 'ECONNRESET';
  const code = taken ?? (hasTimedOut(snapshot, options, last) ? 'ETIMEDOUT' : inferred);
  if (code !== undefined)
    return { reason: reasonOf({ code, syscall: 'read' }, anySnapshotOf(socket)), error: undefined };
  return isEndedFirst ? 'program' : { reason: 'closed', error: undefined };
}

/**
 * Returns the error for a socket whose connection the kernel has ended.
 *
 * @param code The kernel's own error. Default: the code of the reason.
 */
export function errorOfEnded(
  watched: WatchedConnection,
  snapshot: Snapshot,
  reason: EndReason | undefined,
  code: string | undefined,
): DeadPeerError {
  const { unanswered, silentMs = snapshot.silentMs } = describeLost(watched, lastSnapshotOf(watched.socket));
  const text = reason === undefined ? 'the kernel has ended the connection' : reasonTexts[reason];
  return new DeadPeerError(reason, text, { unanswered, silentMs }, code);
}
