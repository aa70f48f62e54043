import type { Argument, Option } from 'commander';

/** The values of an option or an argument. */
export interface OptionValues {
  readonly values: readonly string[];
  /** Whether several values can be given at once, with commas. */
  readonly isList: boolean;
}

const known = new WeakMap<Option | Argument, OptionValues>();

/** Notes the values of an option or an argument that checks its values itself, for the completion of shells. */
export function withValues<Item extends Option | Argument>(
  option: Item,
  values: readonly string[],
  { isList = false } = {},
): Item {
  known.set(option, { values, isList });
  return option;
}

/** Returns the values of an option or an argument; undefined if any value is possible. */
export function valuesOf(option: Option | Argument): OptionValues | undefined {
  const { argChoices } = option;
  return known.get(option) ?? (argChoices && { values: argChoices, isList: false });
}
