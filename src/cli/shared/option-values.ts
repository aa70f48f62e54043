import type { Option } from 'commander';

/** The values of an option. */
export interface OptionValues {
  readonly values: readonly string[];
  /** Whether several values can be given at once, with commas. */
  readonly isList: boolean;
}

const known = new WeakMap<Option, OptionValues>();

/** Notes the values of an option that checks its values itself, for the completion of shells. */
export function withValues(option: Option, values: readonly string[], { isList = false } = {}): Option {
  known.set(option, { values, isList });
  return option;
}

/** Returns the values of an option; undefined if any value is possible. */
export function valuesOf(option: Option): OptionValues | undefined {
  const { argChoices } = option;
  return known.get(option) ?? (argChoices && { values: argChoices, isList: false });
}
