import type { DeathReason } from './death.js';
import { isOfConnection, reasonOf } from './death.js';
import { hasTimedOut, sightOfEnd } from './description.js';
import { anySightOf, forgetSight, lastSightOf, rememberSight } from './last-seen.js';
import type { Sight } from './sight.js';
import type { Watched } from './watched.js';

/** How a connection ended; `'program'` if its own program ended it, which is no event. */
export type Ending = 'program' | { readonly reason: DeathReason | undefined; readonly error: Error | undefined };

/** Keeps the state of a connection at its end, for `explainDeath`, also in a listener of the socket's error. */
export function noteLastSight(watched: Watched, sight: Sight | undefined): void {
  const { socket } = watched;
  if (sight !== undefined) watched.lastSeen = sight;
  const before = lastSightOf(socket);
  const last = (sight && sightOfEnd(watched, sight, before)) ?? before;
  if (last === undefined) {
    forgetSight(socket);
    return;
  }
  rememberSight(socket, last);
  const { errored } = socket;
  if (errored && isOfConnection(errored, socket, sight?.state)) rememberSight(errored, last);
}

/** Returns how a connection ended after its socket was destroyed. */
export function endingOfDestroyed({ socket, lastSeen, isEndedFirst }: Watched): Ending {
  const { errored, readableEnded } = socket;
  if (errored === null) {
    return readableEnded && !isEndedFirst ? { reason: 'closed', error: undefined } : 'program';
  }
  if (!isOfConnection(errored, socket, lastSeen?.state)) return 'program';
  return { reason: reasonOf(errored, anySightOf(socket)), error: errored };
}

/**
 * Returns how a connection ended that the kernel has ended while Node.js did not read from it.
 *
 * @param taken The kernel's error for the next read, if it was taken; otherwise the reason follows from the last state.
 */
export function endingOfUnread(watched: Watched, sight: Sight, taken: string | undefined): Ending {
  const { socket, options, isEndedFirst } = watched;
  const last = lastSightOf(socket);
  noteLastSight(watched, sight);
  const inferred = socket.writableFinished ? undefined : 'ECONNRESET';
  const code = taken ?? (hasTimedOut(sight, options, last) ? 'ETIMEDOUT' : inferred);
  if (code !== undefined) return { reason: reasonOf({ code, syscall: 'read' }, anySightOf(socket)), error: undefined };
  return isEndedFirst ? 'program' : { reason: 'closed', error: undefined };
}
