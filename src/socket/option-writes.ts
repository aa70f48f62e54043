import type { SocketOption } from '../native/socket/socket-options.js';
import { PolicyError } from '../policy/errors.js';
import { limits, type SettingField } from '../policy/policy.js';
import { type KeepAliveState, settingFields, settingsOf, stated, unknownSetting } from '../policy/settings.js';
import { kernelDefault } from './kernel-defaults.js';
import { isOff, type PlannedPolicy } from './planned-state.js';
import { noOption, optionOf, type Platform } from './platforms/index.js';

/** One option and the value it is to have. */
export interface OptionWrite {
  readonly option: SocketOption;
  /** In the kernel's unit. */
  readonly value: number;
  /** The field of the state that shows whether the kernel kept the value, and the field's value then. */
  readonly field: keyof KeepAliveState;
  readonly state: number | boolean | undefined;
}

/** Makes a state of the kernel's values. `rawOf` returns null for an option that the kernel does not have. */
export function stateFrom(rawOf: (field: keyof KeepAliveState) => number | null, platform: Platform): KeepAliveState {
  const numberOf = (field: SettingField) => {
    const option = optionOf(platform, field);
    const raw = option === undefined ? null : rawOf(field);
    return raw === null ? unknownSetting(field) : stated(field, raw * (option?.unitMs ?? 1));
  };
  // The kernel answers with the flag's bit, which is not 1 on BSD.
  return { enabled: rawOf('enabled') !== 0, ...settingsOf(numberOf) } as KeepAliveState;
}

function switchTo(enabled: boolean, platform: Platform): OptionWrite {
  return { option: platform.keepAlive, value: enabled ? 1 : 0, field: 'enabled', state: enabled };
}

/** Returns the write that sets a number. */
function writeTo(field: SettingField, number: number, platform: Platform): OptionWrite {
  const option = optionOf(platform, field);
  if (option === undefined) throw noOption(field);
  const value = number / (option.unitMs ?? 1);
  if (Number.isInteger(value)) return { option, value, field, state: stated(field, number) };
  throw new PolicyError(field, `${number}ms`, `whole seconds on this platform (${option.name})`);
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
  return optionFields.flatMap((field) => {
    if (field === 'enabled') return switchTo(!isOff(policy), platform);
    const value = policy[field] === 'system' ? kernelDefault(field) : policy[field];
    return value === undefined ? [] : writeTo(field, value, platform);
  });
}

/**
 * Refuses a policy that this platform could not set, before it is promised for later.
 *
 * @throws {PolicyError} if the user timeout has milliseconds and the kernel counts seconds.
 * @throws {UnsupportedError} if the platform or its kernel lacks an option, or if a field is `'system'` and the kernel's defaults cannot be read.
 */
export function assertWritable(policy: PlannedPolicy, platform: Platform): void {
  optionWrites(policy, platform);
}

/** The fields of a state, in the order of {@link optionWrites}. */
export const optionFields: readonly (keyof KeepAliveState)[] = [
  ...settingFields.filter((field) => field !== 'idle'),
  'enabled',
  'idle',
];

/** The fields in the order in which they are restored: the user timeout could end the connection. */
export const restoringFields: typeof optionFields = [
  'userTimeout',
  ...optionFields.filter((field) => field !== 'userTimeout'),
];

/** Returns the writes that give a connection the wanted fields of a state, in the order of {@link optionWrites}. */
export function writesOfFields(
  state: KeepAliveState,
  isWanted: (field: keyof KeepAliveState) => boolean,
  platform: Platform,
  order = optionFields,
): OptionWrite[] {
  return order.filter(isWanted).flatMap((field) => {
    if (field === 'enabled') return switchTo(state.enabled, platform);
    const value = state[field] ?? limits[field].unstated;
    return value === undefined || optionOf(platform, field) === undefined ? [] : writeTo(field, value, platform);
  });
}

/** Returns the writes that restore a state, in an order that leaves the timer right. */
export function writesOf(before: KeepAliveState, platform: Platform): OptionWrite[] {
  return writesOfFields(before, () => true, platform, restoringFields);
}
