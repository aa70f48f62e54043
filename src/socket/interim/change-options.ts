import type { Handle } from '../../node/handle.js';
import { hasUnanswered, isWindowProbed, retransmittingMsOf, type Snapshot } from '../../peer/snapshot.js';
import { interimState, type Unanswered } from '../../policy/model/interim-state.js';
import { type OptionWrite, writesOf, writesOfFields } from '../option-writes.js';
import { readBefore, readState, writeOptions } from '../options.js';
import { currentPlatform } from '../platforms/index.js';
import { takeSnapshot } from '../probe/take-snapshot.js';
import type { InForce, KeepAliveState } from '../state.js';
import { deferOptions, deferredOptions } from './deferred-options.js';

/** Returns a state with some writes made. */
export function withWrites(state: KeepAliveState, list: readonly OptionWrite[]): KeepAliveState {
  return { ...state, ...Object.fromEntries(list.map(({ field, state: value }) => [field, value])) };
}

/** Returns the options that a connection has, or will have once its peer has answered. */
export function wantedState(handle: Handle, fd: number): KeepAliveState {
  return { ...readState(fd, currentPlatform()), ...deferredOptions(handle) };
}

function unansweredIn(snapshot: Snapshot): Unanswered {
  const { probes, silentMs } = snapshot;
  const retransmittingMs = retransmittingMsOf(snapshot);
  return { probes, silentMs, retransmittingMs, isWindowClosed: isWindowProbed(snapshot) };
}

function isRearming(list: readonly OptionWrite[], before: KeepAliveState): boolean {
  return list.some(
    ({ field, state }) => field === 'idle' || (field === 'enabled' && state === true && !before.enabled),
  );
}

/**
 * Writes options on a connection so that they count from now on: no write ends the connection because of earlier
 * unanswered probes or data. An option that has to wait until the peer answers is named in `deferred`, and set then.
 *
 * All or nothing, like {@link writeOptions}.
 *
 * @param handle The handle that has the descriptor.
 */
export function changeOptions(handle: Handle, fd: number, list: readonly OptionWrite[]): InForce {
  const platform = currentPlatform();
  const later = deferredOptions(handle);
  const snapshot = takeSnapshot(fd);
  if (snapshot !== undefined && later === undefined && !hasUnanswered(snapshot)) {
    return writeOptions(fd, list, readBefore(fd, list), platform);
  }
  const before = readState(fd, platform);
  const wanted = withWrites({ ...before, ...later }, list);
  const interim =
    snapshot === undefined ? wanted : interimState(before, wanted, unansweredIn(snapshot), isRearming(list, before));
  const isNamed = (field: keyof KeepAliveState) => list.some((write) => write.field === field);
  const isDue = (field: keyof KeepAliveState) => interim[field] !== before[field] || isNamed(field);
  const writes = interim === before ? [] : writesOfFields(interim, isDue, platform);
  const after = writeOptions(fd, writes, () => writesOf(before, platform), platform);
  const deferred = deferOptions(handle, interim, wanted);
  return deferred === undefined ? after : { ...after, deferred: { until: 'answered', ...deferred } };
}
