import { writeIntOption } from '../../native/socket/socket-options.js';
import { fdOf, type Handle } from '../../node/handle.js';
import { setTimer } from '../../node/real-time.js';
import { threadMap } from '../../node/thread-map.js';
import { messageOf, warnOnce } from '../../node/warn-once.js';
import { hasUnanswered } from '../../peer/snapshot.js';
import { isSettable } from '../../policy/settings.js';
import { optionFields, writesOfFields } from '../option-writes.js';
import { readState } from '../options.js';
import { currentPlatform } from '../platforms/index.js';
import { takeSnapshot } from '../probe/take-snapshot.js';
import type { KeepAliveState } from '../state.js';

/** Options of a connection that are set once its peer has answered. */
interface Deferred {
  /** The options that were set instead. */
  readonly interim: KeepAliveState;
  readonly wanted: Partial<KeepAliveState>;
}

const pollMs = 100;

const deferred = threadMap<Handle, Deferred>('deferred/1');

let isPolling = false;

/** Returns the options that are set on a handle later; undefined if there are none. */
export function deferredOptions(handle: Handle): Partial<KeepAliveState> | undefined {
  return deferred.get(handle)?.wanted;
}

/** Returns the options that are in force on a handle until the deferred ones are set. */
export function interimOptions(handle: Handle): Partial<KeepAliveState> | undefined {
  const known = deferred.get(handle);
  if (known === undefined) return undefined;
  return Object.fromEntries(
    Object.keys(known.wanted).map((field) => [field, known.interim[field as keyof KeepAliveState]]),
  );
}

/**
 * Defers the options in which `wanted` differs from `interim`, which is in force now. They are set when the peer has
 * answered, except for options that somebody has changed meanwhile. Replaces earlier deferred options of this handle.
 *
 * @returns the deferred options; undefined if there are none.
 */
export function deferOptions(
  handle: Handle,
  interim: KeepAliveState,
  wanted: KeepAliveState,
): Partial<KeepAliveState> | undefined {
  const fields = optionFields.filter(
    (field) => interim[field] !== wanted[field] && (field === 'enabled' || isSettable(field, wanted[field])),
  );
  if (fields.length === 0) {
    deferred.delete(handle);
    return undefined;
  }
  const later = Object.fromEntries(fields.map((field) => [field, wanted[field]])) as Partial<KeepAliveState>;
  deferred.set(handle, { interim, wanted: later });
  pollLater();
  return later;
}

function pollLater(): void {
  if (isPolling || deferred.size === 0) return;
  isPolling = true;
  setTimer(() => {
    isPolling = false;
    for (const [handle, options] of deferred) setDue(handle, options);
    pollLater();
  }, pollMs);
}

function setDue(handle: Handle, { interim, wanted }: Deferred): void {
  const fd = fdOf(handle);
  if (fd !== undefined && hasUnanswered(takeSnapshot(fd))) return;
  deferred.delete(handle);
  if (fd === undefined) return;
  try {
    const platform = currentPlatform();
    const now = readState(fd, platform);
    const isDue = (field: keyof KeepAliveState) => field in wanted && now[field] === interim[field];
    for (const { option, value } of writesOfFields({ ...now, ...wanted }, isDue, platform)) {
      writeIntOption(fd, option, value);
    }
  } catch (error) {
    // A timer has no caller to throw to, and the interim options still protect the connection.
    warnOnce(`a deferred keepalive option could not be set: ${messageOf(error)}`);
  }
}
