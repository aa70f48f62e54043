import type { SocketOption } from '../native/socket/socket-options.js';
import { PolicyError } from '../policy/errors.js';
import { isOff, limits, type SettingField } from '../policy/policy.js';
import { isSettable, type KeepAliveState, settingFields, settingsOf, stated } from '../policy/settings.js';
import { assertSettable } from '../policy/validate.js';
import { kernelDefault } from './kernel-defaults.js';
import type { PlannedPolicy } from './planned-state.js';
import { noOption, optionOf, type Platform, type SettingOption } from './platforms/index.js';

/** One option and the value it is to have. */
export interface OptionWrite {
  readonly option: SocketOption;
  /** In the kernel's unit. */
  readonly value: number;
  /** The field of the state that shows whether the kernel kept the value, and the field's value then. */
  readonly field: keyof KeepAliveState;
  readonly state: number | boolean | undefined;
}

/** The fields of a state, in the order of {@link optionWrites}. */
export const optionFields: readonly (keyof KeepAliveState)[] = [
  ...settingFields.filter((field) => field !== 'idle'),
  'enabled',
  'idle',
];

/** A number of a state: where its value stands among those of the options, and in which unit. */
interface Placed {
  readonly field: SettingField;
  readonly index: number;
  readonly unitMs: number;
  readonly unstated: number | undefined;
}

/** How the values of a platform's options make a state. */
interface Layout {
  /** The fields that have an option, in the order of {@link optionWrites}, and their options. */
  readonly fields: readonly (keyof KeepAliveState)[];
  readonly options: readonly SettingOption[];
  readonly numbers: readonly Placed[];
  readonly enabledAt: number;
  /** The state of a kernel without any of the options. */
  readonly without: KeepAliveState;
}

const layouts = new WeakMap<Platform, Layout>();

/** Returns whether a TCP socket may lack the option of a field. */
export function canBeMissing(field: keyof KeepAliveState): boolean {
  return field === 'userTimeout' || (field !== 'enabled' && limits[field].unstated !== undefined);
}

/**
 * Returns the layout of a platform.
 *
 * @throws {UnsupportedError} if the platform has no option for idle, interval or count.
 */
export function layoutOf(platform: Platform): Layout {
  let layout = layouts.get(platform);
  if (layout === undefined) {
    const fields = optionFields.filter((field) => optionOf(platform, field) !== undefined);
    const options = fields.map((field) => optionOf(platform, field) as SettingOption);
    const numbers = settingFields.flatMap((field) => {
      const index = fields.indexOf(field);
      if (index < 0 && !canBeMissing(field)) throw noOption(field);
      return index < 0 ? [] : { field, index, unitMs: options[index]?.unitMs ?? 1, unstated: limits[field].unstated };
    });
    layout = {
      fields,
      options,
      numbers,
      enabledAt: fields.indexOf('enabled'),
      without: {
        enabled: false,
        ...settingsOf((field) => stated(field, limits[field].unstated ?? 0)),
      } as KeepAliveState,
    };
    layouts.set(platform, layout);
  }
  return layout;
}

/** Makes a state of the kernel's values. `rawAt` returns null for an option that the socket does not have. */
export function stateFrom(
  { numbers, enabledAt, without }: Layout,
  rawAt: (index: number) => number | null,
): KeepAliveState {
  const state: { -readonly [Field in keyof KeepAliveState]: unknown } = { ...without };
  for (const { field, index, unitMs, unstated } of numbers) {
    const raw = rawAt(index);
    if (raw !== null && raw * unitMs !== unstated) state[field] = raw * unitMs;
  }
  // The kernel answers with the flag's bit, which is not 1 on BSD.
  state.enabled = rawAt(enabledAt) !== 0;
  return state as KeepAliveState;
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
  return missingWrites(list, state).length === 0;
}

/** Returns the writes whose values are not in force. */
export function missingWrites(list: readonly OptionWrite[], state: KeepAliveState): OptionWrite[] {
  return list.filter(({ field, state: wanted }) => state[field] !== wanted);
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
  const list: OptionWrite[] = [];
  for (const field of optionFields) {
    if (field === 'enabled') list.push(switchTo(!isOff(policy), platform));
    else {
      const value = policy[field] === 'system' ? kernelDefault(field) : policy[field];
      const isNothing = policy.enabled !== undefined && isOfPlatformWithout(field, value, platform);
      if (value !== undefined && !isNothing) list.push(writeTo(field, value, platform));
    }
  }
  return list;
}

/** Returns whether a number of a state is what each state has on a platform without the number's option. */
function isOfPlatformWithout(field: SettingField, value: number | undefined, platform: Platform): boolean {
  if (value === undefined || optionOf(platform, field) !== undefined) return false;
  return layoutOf(platform).without[field] === stated(field, value);
}

/**
 * Returns the writes that a policy takes on a socket. Of a policy that says whether keepalive is on, only what differs: a state
 * can have a number that no option can be set to, because the socket followed a sysctl, and the option of a newer kernel.
 *
 * @throws {PolicyError} if the socket does not have such a number.
 */
export function neededWrites(policy: PlannedPolicy, platform: Platform, current: () => KeepAliveState): OptionWrite[] {
  const list = optionWrites(policy, platform);
  if (policy === false || policy.enabled === undefined) return list;
  const needed = missingWrites(list, current());
  assertSettable(Object.fromEntries(needed.map(({ field, state: wanted }) => [field, wanted])));
  return needed;
}

/** Returns whether a number that cannot be set is what a new socket has, because the number's sysctl is as far beyond. */
function isFollowed(field: SettingField, number: number | 'system' | undefined): boolean {
  return typeof number === 'number' && !isSettable(field, number) && number === kernelDefault(field);
}

/**
 * Refuses a policy that this platform could not set, before it is promised for later.
 *
 * @throws {PolicyError} if the user timeout has milliseconds and the kernel counts seconds, or if a number of a state cannot be
 * set and is not what a new socket has.
 * @throws {UnsupportedError} if the platform or its kernel lacks an option, or if a field is `'system'` and the kernel's defaults cannot be read.
 */
export function assertWritable(policy: PlannedPolicy, platform: Platform): void {
  optionWrites(policy, platform);
  if (policy === false) return;
  assertSettable(settingsOf((field) => (isFollowed(field, policy[field]) ? undefined : policy[field])));
}

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
