import { SystemCallError, UnsupportedError } from '../native/errors.js';
import { readIntOptions, writeIntOption, writeIntOptions } from '../native/socket/socket-options.js';
import { limits, type SettingField } from '../policy/policy.js';
import type { KeepAliveState } from '../policy/settings.js';
import { newSocketState } from './kernel-defaults.js';
import { layoutOf, type OptionWrite, optionWrites, stateFrom, writesOf } from './option-writes.js';
import type { PlannedPolicy } from './planned-state.js';
import type { Platform } from './platforms/index.js';

const notTcpCodes = new Set(['EOPNOTSUPP', 'ENOPROTOOPT']);

function notTcp(cause: SystemCallError): UnsupportedError {
  const requires = 'a TCP socket; this descriptor is a unix-domain socket or of another protocol';
  return new UnsupportedError('a keepalive policy on this socket', requires, cause);
}

function isNotTcp(error: unknown): error is SystemCallError {
  return error instanceof SystemCallError && notTcpCodes.has(error.code);
}

/** Returns what was read, or throws why it was not. */
function given(value: number | SystemCallError | undefined): number {
  if (typeof value === 'number') return value;
  throw isNotTcp(value) ? notTcp(value) : value;
}

/** Makes a state of the values of a layout's options. */
function stateOf(values: readonly (number | SystemCallError)[], platform: Platform): KeepAliveState {
  const layout = layoutOf(platform);
  return stateFrom(layout, (index) => {
    const value = values[index];
    if (typeof value === 'number') return value;
    const field = layout.fields[index] as SettingField;
    const canBeMissing = field === 'userTimeout' || limits[field]?.unstated !== undefined;
    return canBeMissing && isNotTcp(value) ? null : given(value);
  });
}

/**
 * Reads a descriptor's keepalive from the kernel.
 *
 * @throws {UnsupportedError} if it is not a TCP socket; {@link SystemCallError} if the kernel refuses it.
 */
export function readState(fd: number, platform: Platform): KeepAliveState {
  return stateOf(readIntOptions(fd, layoutOf(platform).options), platform);
}

/** Restores the options of before, as far as the kernel lets it. */
function restore(
  fd: number,
  before: KeepAliveState,
  platform: Platform,
  changed: readonly OptionWrite[],
  cause: unknown,
): void {
  let lost: SystemCallError | undefined;
  for (const { option, value } of writesOf(before, platform)) {
    try {
      if (changed.some((write) => write.option === option)) writeIntOption(fd, option, value);
    } catch (error) {
      lost ??= error as SystemCallError;
    }
  }
  if (lost === undefined) return;
  const detail = "after a failure (see `cause`) what was set before could not be restored: read the socket's state";
  throw new SystemCallError(lost.syscall, lost.code, detail, cause);
}

function assertKept(list: readonly OptionWrite[], after: KeepAliveState, platform: Platform): void {
  for (const { option, value, field, state } of list) {
    if (after[field] === state) continue;
    const kept = writesOf(after, platform).find((candidate) => candidate.option === option)?.value;
    throw new UnsupportedError(
      `setting ${option.name} to ${value}`,
      `a kernel that keeps it; this one accepted it and reports ${kept ?? 'nothing'}`,
    );
  }
}

/**
 * Writes options on a descriptor and gives what the kernel then says.
 *
 * All or nothing: if a call fails or the kernel does not keep a value, the state of `before` is restored, as far as it was
 * changed, before the error is thrown.
 *
 * @throws {UnsupportedError} if a value is not kept; {@link SystemCallError} if the kernel refuses it.
 */
export function writeOptions(
  fd: number,
  list: readonly OptionWrite[],
  before: () => KeepAliveState,
  platform: Platform,
): KeepAliveState {
  const { done, error: refusal, after: values } = writeIntOptions(fd, list, layoutOf(platform).options);
  try {
    if (refusal !== undefined) throw refusal;
    const after = stateOf(values, platform);
    assertKept(list, after, platform);
    return after;
  } catch (error) {
    restore(fd, before(), platform, list.slice(0, done), error);
    throw error;
  }
}

/**
 * Sets a policy on a descriptor, or turns keepalive off, and gives what the kernel then says.
 *
 * All or nothing, as {@link writeOptions}. `false` turns probing off and leaves the numbers.
 *
 * @throws {UnsupportedError} if it is not a TCP socket; {@link SystemCallError} if the kernel refuses it.
 */
export function writePolicy(fd: number, policy: PlannedPolicy, platform: Platform): KeepAliveState {
  const list = optionWrites(policy, platform);
  const before = readState(fd, platform);
  return writeOptions(fd, list, () => before, platform);
}

/** As {@link writePolicy}, for a socket that was just opened, which is known to have the kernel's defaults. */
export function writePolicyOnNew(fd: number, policy: PlannedPolicy, platform: Platform): KeepAliveState {
  return writeOptions(fd, optionWrites(policy, platform), newSocketState, platform);
}
