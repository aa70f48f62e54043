import { writeIntOption } from '../native/socket/socket-options.js';
import { bottomOf, fdOf, type Handle } from '../node/handle.js';
import { threadMap } from '../node/thread-map.js';
import { limits } from '../policy/policy.js';
import { isSettable, settingFields } from '../policy/settings.js';
import { changeOptions, wantedState, withWrites } from './interim/change-options.js';
import { interimOptions } from './interim/deferred-options.js';
import { type OptionWrite, optionFields, writesOfFields } from './option-writes.js';
import { readState } from './options.js';
import { currentPlatform } from './platforms/index.js';
import type { AppliedKeepAlive, DeferredOptions, KeepAliveState } from './state.js';

/** The kernel probes a watched connection this often on its own, once its peer is silent. */
export const watchIntervalMs = 1000;

/** More than the probes of several watches use up between two answers. */
export const watchCount = 31;

/** The options that watches have in force on a connection, and those that its program has set. */
interface WatchPolicy {
  /** Set again when the last watch lets go of the connection. */
  program: KeepAliveState;
  /** The idle time that each watch needs, in milliseconds. */
  readonly watches: Map<object, number>;
  /** Calls of Node.js that set keepalive and have not returned, and the options in force before them. */
  calls: number;
  beforeCall: KeepAliveState | undefined;
}

const policies = threadMap<Handle, WatchPolicy>('watch-policies/1');

/**
 * Returns the options that are in force on a watched connection. A program's idle time of 1 s is kept: restoring it later
 * could be mistaken for the override of another process that asks the peer. A user timeout of the program is extended to
 * the time that the count allows: a shorter one would end a connection sooner than with the program's idle time.
 */
function watchState({ program, watches }: WatchPolicy): KeepAliveState {
  const idle = Math.min(program.idle, ...watches.values());
  const userTimeout = program.userTimeout && Math.max(program.userTimeout, idle + watchCount * watchIntervalMs);
  return { ...program, enabled: true, idle, interval: watchIntervalMs, count: watchCount, userTimeout };
}

/** Returns whether these options can be restored later: a sysctl can be beyond the limits of an option. */
function isRestorable(program: KeepAliveState): boolean {
  return settingFields.every((field) => isSettable(field, program[field]));
}

/** Gives a connection a state. Sets only the options that differ. */
function setState(handle: Handle, fd: number, state: KeepAliveState): AppliedKeepAlive {
  const platform = currentPlatform();
  const now = wantedState(handle, fd);
  return changeOptions(
    handle,
    fd,
    writesOfFields(state, (field) => state[field] !== now[field], platform),
  );
}

/** Returns the options that the program has set on a connection, even if a watch has others in force. */
export function programState(handle: Handle, fd: number): KeepAliveState {
  const bottom = bottomOf(handle);
  return policies.get(bottom)?.program ?? wantedState(bottom, fd);
}

/**
 * Adopts options that another program, an addon or Node.js has set since, as the program's own. Ignores an idle time of 1 s
 * alone: another process makes the kernel send a probe, and restores the idle time within 50 ms.
 *
 * @returns whether there were such options.
 */
function adoptChanges(handle: Handle, fd: number, policy: WatchPolicy): boolean {
  const now = readState(fd, currentPlatform());
  const expected = { ...watchState(policy), ...interimOptions(handle) };
  const changed = optionFields.filter((field) => now[field] !== expected[field]);
  const isOverride = changed.length === 1 && changed[0] === 'idle' && now.idle === limits.idle.min;
  if (changed.length === 0 || isOverride) return false;
  policy.program = { ...policy.program, ...Object.fromEntries(changed.map((field) => [field, now[field]])) };
  return true;
}

/**
 * Puts a connection's options under a watch: the kernel probes after `idle` of quiet, then every second, and gives the
 * peer up after 31 probes. Options that the program sets meanwhile are kept and set when the watch ends.
 *
 * @returns false, without a change, if the connection is closed or its options could not be restored later.
 * @throws {SystemCallError} if the kernel refuses the options.
 */
export function takeOptions(handle: Handle, watch: object, idle: number): boolean {
  const fd = fdOf(handle);
  if (fd === undefined) return false;
  const known = policies.get(handle);
  const policy = known ?? { program: wantedState(handle, fd), watches: new Map(), calls: 0, beforeCall: undefined };
  if (!isRestorable(policy.program)) return false;
  policy.watches.set(watch, idle);
  try {
    setState(handle, fd, watchState(policy));
  } catch (error) {
    policy.watches.delete(watch);
    throw error;
  }
  if (known === undefined) policies.set(handle, policy);
  restoreAtExit();
  return true;
}

/** Restores the program's options, unless another watch still needs the connection. */
export function releaseOptions(handle: Handle, watch: object): void {
  const policy = policies.get(handle);
  const fd = fdOf(handle);
  if (policy === undefined || !policy.watches.has(watch)) return;
  if (policy.watches.size === 1 || fd === undefined) {
    restoreOptions(handle);
    return;
  }
  adoptChanges(handle, fd, policy);
  policy.watches.delete(watch);
  setState(handle, fd, watchState(policy));
}

/** Restores the program's options on a connection that is about to be closed, and that another process may have too. */
export function restoreOptions(handle: Handle): void {
  const policy = policies.get(handle);
  if (policy === undefined) return;
  policies.delete(handle);
  if (policies.size === 0) process.off('exit', restoreAll);
  const fd = fdOf(handle);
  if (fd === undefined) return;
  adoptChanges(handle, fd, policy);
  setState(handle, fd, policy.program);
}

function restoreAll(): void {
  for (const handle of [...policies.keys()]) {
    try {
      restoreOptions(handle);
    } catch {
      // The others are still restored; the options in force protect this one.
    }
  }
}

function restoreAtExit(): void {
  if (!process.listeners('exit').includes(restoreAll)) process.on('exit', restoreAll);
}

/** Makes the kernel probe a watched connection now, if its peer has been silent for the idle time of the watch. */
export function probeNow(handle: Handle): boolean {
  const fd = fdOf(handle);
  const policy = policies.get(handle);
  if (fd === undefined || policy === undefined) return false;
  if (adoptChanges(handle, fd, policy)) setState(handle, fd, watchState(policy));
  const { idle } = currentPlatform();
  // Setting TCP_KEEPIDLE rearms the timer (net/ipv4/tcp.c, tcp_sock_set_keepidle_locked); nothing has to be restored.
  writeIntOption(fd, idle, watchState(policy).idle / (idle.unitMs ?? 1));
  return true;
}

/** Writes options for the program on a watched connection; undefined if it is not watched. */
export function setForProgram(handle: Handle, fd: number, list: readonly OptionWrite[]): AppliedKeepAlive | undefined {
  const policy = policies.get(handle);
  if (policy === undefined) return undefined;
  policy.program = withWrites(policy.program, list);
  const { deferred: _, ...inForce } = setState(handle, fd, watchState(policy));
  if (policy.calls > 0) policy.beforeCall = readState(fd, currentPlatform());
  const later = optionFields.filter((field) => policy.program[field] !== inForce[field]);
  if (later.length === 0) return inForce;
  const fields = Object.fromEntries(later.map((field) => [field, policy.program[field]]));
  return { ...inForce, deferred: { until: 'unwatched', ...fields } as DeferredOptions };
}

/** Prepares for a call of Node.js that sets keepalive: afterwards the kernel tells whether it turned keepalive on. */
export function beginProgramCall(handle: Handle): void {
  const policy = policies.get(handle);
  const fd = fdOf(handle);
  if (policy === undefined || fd === undefined) return;
  policy.calls += 1;
  if (policy.calls > 1) return;
  policy.beforeCall = readState(fd, currentPlatform());
  if (!policy.program.enabled) writeIntOption(fd, currentPlatform().keepAlive, 0);
}

/** Adopts the options that the call has set, after {@link beginProgramCall}. */
export function endProgramCall(handle: Handle): void {
  const policy = policies.get(handle);
  const fd = fdOf(handle);
  if (policy?.beforeCall === undefined || fd === undefined) return;
  policy.calls -= 1;
  if (policy.calls > 0) return;
  const { beforeCall: before } = policy;
  const { enabled, idle, interval, count } = readState(fd, currentPlatform());
  // Node.js sets the three together, if at all.
  const isSet = idle !== before.idle || interval !== before.interval || count !== before.count;
  policy.program = { ...policy.program, enabled, ...(isSet ? { idle, interval, count } : {}) };
  policy.beforeCall = undefined;
  setState(handle, fd, watchState(policy));
}
