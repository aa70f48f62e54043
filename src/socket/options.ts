import {
  readIntOption,
  type SocketOption,
  SystemCallError,
  UnsupportedError,
  writeIntOption,
} from '../native/index.js';
import { PolicyError, type ValidPolicy } from '../policy/index.js';
import { kernelDefaults } from './kernel-defaults.js';
import type { Platform, TimeOption } from './platforms/index.js';
import type { KeepAliveState } from './state.js';

/** One option and the value it is to have, in the kernel's unit. */
interface Assignment {
  readonly option: SocketOption;
  readonly value: number;
}

const notTcpCodes = new Set(['EOPNOTSUPP', 'ENOPROTOOPT']);

function notTcp(cause: SystemCallError): UnsupportedError {
  const requires = 'a TCP socket; this descriptor is a unix-domain socket or of another protocol';
  return new UnsupportedError('a keepalive policy on this socket', requires, cause);
}

function readUserTimeout(fd: number, option: TimeOption): number | null {
  try {
    return readIntOption(fd, option) * option.unitMs;
  } catch (error) {
    if (error instanceof SystemCallError && notTcpCodes.has(error.code)) return null;
    throw error;
  }
}

/**
 * Reads a descriptor's keepalive from the kernel.
 *
 * @throws {UnsupportedError} when it is not a TCP socket; {@link SystemCallError} as the kernel refuses it.
 */
export function readState(fd: number, platform: Platform): KeepAliveState {
  try {
    return {
      idle: readIntOption(fd, platform.idle) * platform.idle.unitMs,
      interval: readIntOption(fd, platform.interval) * platform.interval.unitMs,
      count: readIntOption(fd, platform.count),
      userTimeout: readUserTimeout(fd, platform.userTimeout),
      // The kernel answers with the flag's bit, which is not 1 on BSD.
      enabled: readIntOption(fd, platform.keepAlive) !== 0,
    };
  } catch (error) {
    if (error instanceof SystemCallError && notTcpCodes.has(error.code)) throw notTcp(error);
    throw error;
  }
}

function inUnit(option: TimeOption, ms: number): number {
  if (ms % option.unitMs === 0) return ms / option.unitMs;
  throw new PolicyError('userTimeout', `${ms}ms`, `whole seconds on this platform (${option.name})`);
}

/** Replaces each `'system'` by the kernel's default of this moment. */
function resolveSystem(policy: ValidPolicy): { readonly [Field in keyof ValidPolicy]: number | undefined } {
  const { idle, interval, count, userTimeout } = policy;
  if (idle !== 'system' && interval !== 'system' && count !== 'system' && userTimeout !== 'system') {
    return { idle, interval, count, userTimeout };
  }
  const defaults = kernelDefaults();
  return {
    idle: idle === 'system' ? defaults.idle : idle,
    interval: interval === 'system' ? defaults.interval : interval,
    count: count === 'system' ? defaults.count : count,
    userTimeout: userTimeout === 'system' ? 0 : userTimeout,
  };
}

/**
 * Refuses a policy that this platform's kernel has no unit for, before anything is set or promised.
 *
 * @throws {PolicyError} for a user timeout in milliseconds where the kernel counts seconds.
 */
export function checkUnits(policy: ValidPolicy | false, { userTimeout }: Platform): void {
  if (policy !== false && typeof policy.userTimeout === 'number') inUnit(userTimeout, policy.userTimeout);
}

/**
 * What to set, in the order that matters on a live socket.
 *
 * TCP_KEEPINTVL and TCP_KEEPCNT never re-arm the timer, so they go first. TCP_KEEPIDLE after SO_KEEPALIVE re-arms it
 * with the quiet time that has already passed taken off; the other way round a full idle would begin anew
 * (net/ipv4/tcp.c, tcp_sock_set_keepidle_locked).
 */
function assignments(policy: ValidPolicy | false, platform: Platform): Assignment[] {
  if (policy === false) return [{ option: platform.keepAlive, value: 0 }];
  const { idle, interval, count, userTimeout } = resolveSystem(policy);
  const list: Assignment[] = [];
  if (interval !== undefined) list.push({ option: platform.interval, value: inUnit(platform.interval, interval) });
  if (count !== undefined) list.push({ option: platform.count, value: count });
  if (userTimeout !== undefined) {
    list.push({ option: platform.userTimeout, value: inUnit(platform.userTimeout, userTimeout) });
  }
  list.push({ option: platform.keepAlive, value: 1 });
  if (idle !== undefined) list.push({ option: platform.idle, value: inUnit(platform.idle, idle) });
  return list;
}

/** The options that a state stands for, in the order in which setting them leaves the timer right. */
function optionsOf(before: KeepAliveState, platform: Platform): Assignment[] {
  const list = [
    { option: platform.interval, value: before.interval / platform.interval.unitMs },
    { option: platform.count, value: before.count },
    { option: platform.keepAlive, value: before.enabled ? 1 : 0 },
    { option: platform.idle, value: before.idle / platform.idle.unitMs },
  ];
  if (before.userTimeout !== null) {
    list.unshift({ option: platform.userTimeout, value: before.userTimeout / platform.userTimeout.unitMs });
  }
  return list;
}

/** Puts back what was there, as far as the kernel lets it. */
function restore(
  fd: number,
  before: KeepAliveState,
  platform: Platform,
  changed: ReadonlySet<SocketOption>,
  cause: unknown,
): void {
  let lost: SystemCallError | undefined;
  for (const { option, value } of optionsOf(before, platform)) {
    try {
      if (changed.has(option)) writeIntOption(fd, option, value);
    } catch (error) {
      lost ??= error as SystemCallError;
    }
  }
  if (lost === undefined) return;
  const detail = "after a failure (see `cause`) what was set before could not be put back: read the socket's state";
  throw new SystemCallError(lost.syscall, lost.code, detail, cause);
}

function refuseIgnored(list: readonly Assignment[], after: KeepAliveState, platform: Platform): void {
  const inForce = optionsOf(after, platform);
  for (const { option, value } of list) {
    const kept = inForce.find((candidate) => candidate.option === option)?.value;
    if (kept === value) continue;
    throw new UnsupportedError(
      `setting ${option.name} to ${value}`,
      `a kernel that keeps it; this one accepted it and reports ${kept ?? 'nothing'}`,
    );
  }
}

/**
 * Sets a policy on a descriptor, or turns keepalive off, and gives what the kernel then says.
 *
 * All or nothing: when a call fails or the kernel does not keep a value, what was there is put back before the error
 * is thrown. `false` turns probing off and leaves the numbers.
 *
 * @throws {UnsupportedError} when it is not a TCP socket; {@link SystemCallError} as the kernel refuses it.
 */
export function writePolicy(fd: number, policy: ValidPolicy | false, platform: Platform): KeepAliveState {
  const list = assignments(policy, platform);
  const before = readState(fd, platform);
  const changed = new Set<SocketOption>();
  try {
    for (const { option, value } of list) {
      writeIntOption(fd, option, value);
      changed.add(option);
    }
    const after = readState(fd, platform);
    refuseIgnored(list, after, platform);
    return after;
  } catch (error) {
    restore(fd, before, platform, changed, error);
    throw error;
  }
}
