import type { SocketOption } from '../native/socket/socket-options.js';
import { PolicyError } from '../policy/errors.js';
import type { ValidPolicy } from '../policy/policy.js';
import { kernelDefaults } from './kernel-defaults.js';
import { isOff, type PlannedPolicy } from './planned-state.js';
import type { Platform, TimeOption } from './platforms/index.js';
import type { KeepAliveState } from './state.js';

/** One option and the value it is to have. */
export interface OptionWrite {
  readonly option: SocketOption;
  /** In the kernel's unit. */
  readonly value: number;
  /** The field of the state that shows whether the kernel kept the value, and the field's value then. */
  readonly field: keyof KeepAliveState;
  readonly state: number | boolean | null;
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

function timeTo(field: 'idle' | 'interval' | 'userTimeout', ms: number, platform: Platform): OptionWrite {
  return { option: platform[field], value: inUnit(platform[field], ms), field, state: ms };
}

function switchTo(enabled: boolean, platform: Platform): OptionWrite {
  return { option: platform.keepAlive, value: enabled ? 1 : 0, field: 'enabled', state: enabled };
}

/**
 * Returns whether a connection has all writes already. Setting TCP_KEEPIDLE again would probe an unanswering peer once
 * more at once, and that probe would count as unanswered.
 */
export function isInForce(list: readonly OptionWrite[], state: KeepAliveState): boolean {
  return list.every(({ field, state: wanted }) => state[field] === wanted);
}

/**
 * What to set, in the order that matters on a live socket.
 *
 * TCP_KEEPINTVL and TCP_KEEPCNT never re-arm the timer, so they go first. TCP_KEEPIDLE after SO_KEEPALIVE re-arms it
 * with the quiet time that has already passed taken off; the other way round a full idle would begin anew
 * (net/ipv4/tcp.c, tcp_sock_set_keepidle_locked).
 */
export function optionWrites(policy: PlannedPolicy, platform: Platform): OptionWrite[] {
  if (policy === false) return [switchTo(false, platform)];
  const { idle, interval, count, userTimeout } = resolveSystem(policy);
  const list: OptionWrite[] = [];
  if (interval !== undefined) list.push(timeTo('interval', interval, platform));
  if (count !== undefined) list.push({ option: platform.count, value: count, field: 'count', state: count });
  if (userTimeout !== undefined) list.push(timeTo('userTimeout', userTimeout, platform));
  list.push(switchTo(!isOff(policy), platform));
  if (idle !== undefined) list.push(timeTo('idle', idle, platform));
  return list;
}

/**
 * Refuses a policy that this platform could not set, before it is promised for later.
 *
 * @throws {PolicyError} if the user timeout has milliseconds and the kernel counts seconds.
 * @throws {UnsupportedError} if a field is `'system'` and the kernel's defaults cannot be read.
 */
export function assertWritable(policy: PlannedPolicy, platform: Platform): void {
  optionWrites(policy, platform);
}

/** The options of a state, in the order of {@link optionWrites}. */
export const optionFields = ['interval', 'count', 'userTimeout', 'enabled', 'idle'] as const;

/** Returns whether two states have the same options. */
export function sameState(a: KeepAliveState, b: KeepAliveState): boolean {
  return optionFields.every((field) => a[field] === b[field]);
}

/** Returns the writes that give a connection the wanted fields of a state, in the order of {@link optionWrites}. */
export function writesOfFields(
  state: KeepAliveState,
  isWanted: (field: keyof KeepAliveState) => boolean,
  platform: Platform,
): OptionWrite[] {
  return optionFields.filter(isWanted).flatMap((field) => {
    const value = state[field];
    if (value === null) return [];
    if (field === 'enabled') return switchTo(state.enabled, platform);
    if (field === 'count') return { option: platform.count, value: state.count, field, state: value };
    return timeTo(field, value as number, platform);
  });
}

/** Returns the writes that restore a state, in an order that leaves the timer right. */
export function writesOf(before: KeepAliveState, platform: Platform): OptionWrite[] {
  const { enabled, idle, interval, count, userTimeout } = before;
  const list = [
    timeTo('interval', interval, platform),
    { option: platform.count, value: count, field: 'count', state: count } as const,
    switchTo(enabled, platform),
    timeTo('idle', idle, platform),
  ];
  if (userTimeout !== null) list.unshift(timeTo('userTimeout', userTimeout, platform));
  return list;
}
