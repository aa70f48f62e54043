import { SystemCallError, UnsupportedError } from '../native/errors.js';
import { readIntOptions, writeIntOption, writeIntOptions } from '../native/socket/socket-options.js';
import type { KeepAliveState } from '../policy/settings.js';
import { newSocketState } from './kernel-defaults.js';
import {
  canBeMissing,
  layoutOf,
  neededWrites,
  type OptionWrite,
  restoringFields,
  stateFrom,
  writesOf,
} from './option-writes.js';
import { isComplete, type PlannedPolicy, plannedState } from './planned-state.js';
import type { Platform } from './platforms/index.js';
import { warnIfSlow } from './slow-detection.js';
import type { SocketKeepAlive } from './state.js';

/** The code of a socket that is not of TCP, and no other. */
const notTcpCode = 'EOPNOTSUPP';

const notTcpCodes = new Set([notTcpCode, 'ENOPROTOOPT']);

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
    return canBeMissing(layout.fields[index] as keyof KeepAliveState) && isNotTcp(value) ? null : given(value);
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

/**
 * Reads the options that a list of writes is going to change. Returns the writes that restore the options.
 *
 * @throws {UnsupportedError} if it is not a TCP socket; {@link SystemCallError} if the kernel refuses it.
 */
export function readBefore(fd: number, list: readonly OptionWrite[]): () => OptionWrite[] {
  const options = list.map(({ option }) => option);
  const values = readIntOptions(fd, options).map((value, index) => {
    const { field } = list[index] as OptionWrite;
    return canBeMissing(field) && isNotTcp(value) ? undefined : given(value);
  });
  return () =>
    restoringFields.flatMap((field) => {
      const index = list.findIndex((write) => write.field === field);
      const value = values[index];
      return value === undefined ? [] : { ...(list[index] as OptionWrite), value };
    });
}

/** Restores the options of before, as far as the kernel lets it. */
function restore(fd: number, before: readonly OptionWrite[], changed: readonly OptionWrite[], cause: unknown): void {
  let lost: SystemCallError | undefined;
  for (const { option, value } of before) {
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
 * All or nothing: if a call fails or the kernel does not keep a value, makes the writes of `before` that restore what was
 * changed, before the error is thrown.
 *
 * @throws {UnsupportedError} if a value is not kept; {@link SystemCallError} if the kernel refuses it.
 */
export function writeOptions(
  fd: number,
  list: readonly OptionWrite[],
  before: () => readonly OptionWrite[],
  platform: Platform,
): KeepAliveState {
  const { done, error: refusal, after: values } = writeIntOptions(fd, list, layoutOf(platform).options);
  try {
    if (refusal !== undefined) throw refusal.code === notTcpCode ? notTcp(refusal) : refusal;
    const after = stateOf(values, platform);
    assertKept(list, after, platform);
    return after;
  } catch (error) {
    restore(fd, before(), list.slice(0, done), error);
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
  const read = () => readState(fd, platform);
  const list = neededWrites(policy, platform, read);
  const set = () => writeOptions(fd, list, readBefore(fd, list), platform);
  return warnIfSlow(policy, () => read().enabled, set);
}

interface Plan {
  readonly list: readonly OptionWrite[];
  readonly state: SocketKeepAlive;
}

/** Most connections have one of few policies, and making a plan takes longer than a system call. */
const plans = new WeakMap<PlannedPolicy & object, Plan>();

function planOf(policy: PlannedPolicy & object, platform: Platform): Plan {
  const known = plans.get(policy);
  if (known !== undefined) return known;
  const state = Object.freeze({ ...plannedState(policy), readBack: false } as const);
  const plan = { list: neededWrites(policy, platform, newSocketState), state };
  plans.set(policy, plan);
  return plan;
}

/**
 * Sets a policy like {@link writePolicy} on a socket that was just opened, which is known to have the kernel's defaults.
 * Without `isReadBack`, returns what the policy states if the kernel refuses none of the calls.
 */
export function writePolicyOnNew(
  fd: number,
  policy: PlannedPolicy,
  platform: Platform,
  isReadBack: boolean,
): SocketKeepAlive {
  const before = () => writesOf(newSocketState(), platform);
  // Text such as 'system' stands for another number each time.
  const isFixed = isComplete(policy) && !Object.values(policy).includes('system');
  if (isReadBack || !isFixed) {
    const list = neededWrites(policy, platform, newSocketState);
    return warnIfSlow(
      policy,
      () => false,
      () => writeOptions(fd, list, before, platform),
    );
  }
  const { list, state } = planOf(policy, platform);
  const { done, error } = writeIntOptions(fd, list, []);
  if (error === undefined) return state;
  restore(fd, before(), list.slice(0, done), error);
  throw error;
}
