import { limits, type SettingField, type ValidPolicy } from './policy.js';

/**
 * A connection's keepalive as its kernel holds it; times are in milliseconds.
 *
 * Everything that handles all numbers derives from {@link settingFields}.
 */
export interface KeepAliveState {
  /** Whether the kernel probes at all (SO_KEEPALIVE). */
  readonly enabled: boolean;
  readonly idle: number;
  readonly interval: number;
  readonly count: number;
  /** 0 is off, also on a kernel without the option. */
  readonly userTimeout: number;
  /** Longest time between two retransmissions. Left out if it is 120 s, as on each Linux before 6.15. */
  readonly rtoMax?: number;
}

/** The numbers of a policy, in the order in which people write them. */
export const settingFields = Object.keys(limits) as readonly SettingField[];

/** The numbers that decide when keepalive detects a dead peer. */
export const detectionFields = ['idle', 'interval', 'count'] as const;

/** The fields of a state. */
export const stateFields = ['enabled', ...settingFields] as const;

/** Makes an object with a value for each number. Leaves out numbers whose value is undefined. */
export function settingsOf<Value>(valueFor: (field: SettingField) => Value): { [field in SettingField]: Value } {
  const settings: Partial<Record<SettingField, Value>> = {};
  for (const field of settingFields) {
    const value = valueFor(field);
    if (value !== undefined) settings[field] = value;
  }
  return settings as { [field in SettingField]: Value };
}

/** Returns whether a number can be set; a number that comes from a sysctl can be beyond the limits of an option. */
export function isSettable(field: SettingField, value: number | null | undefined): boolean {
  if (value === null || value === undefined) return true;
  const { min, max } = limits[field];
  return value >= min && value <= max;
}

/** Returns a value as a state has it; undefined for the value that states leave out. */
export function stated(field: SettingField, value: number): number | undefined {
  return value === limits[field].unstated ? undefined : value;
}

/** Returns what a state has for a number that is not known. */
export function unknownSetting(field: SettingField): null {
  return (limits[field].unstated === undefined ? null : undefined) as null;
}

type Settings = { readonly [field in keyof KeepAliveState]?: unknown };

/** Returns whether settings are a whole state: they say whether keepalive is on, and have each number that each state has. */
export function isState(settings: Settings | false): settings is KeepAliveState {
  if (settings === false || settings.enabled === undefined) return false;
  return settingFields.every((field) => typeof settings[field] === 'number' || limits[field].unstated !== undefined);
}

/** Returns whether two states or policies have the same numbers, and keepalive on or off alike. */
export function sameSettings(a: Settings, b: Settings): boolean {
  return stateFields.every((field) => a[field] === b[field]);
}

/** Returns text that is the same for states or policies that {@link sameSettings} finds the same. */
export function settingsKey(settings: Settings): string {
  let key = '';
  for (const field of stateFields) key += ` ${settings[field]}`;
  return key;
}

/** Returns the policy that has the effect of two, set one after the other: fields that `later` leaves out come from `earlier`. */
export function mergeSettings(earlier: ValidPolicy, later: ValidPolicy): ValidPolicy {
  const enabled = later.enabled ?? (earlier.enabled === undefined ? undefined : true);
  const numbers = settingsOf((field) => later[field] ?? earlier[field]);
  return enabled === undefined ? numbers : { ...numbers, enabled };
}
