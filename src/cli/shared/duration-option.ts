import { InvalidArgumentError, Option } from 'commander';
import { readDuration } from '../../policy/duration.js';
import { millisecondsMeant } from '../../policy/unit-slip.js';

/** The least that an option takes: within less, no peer answers and no list is read. */
const leastMs = 20;

/** Reads a duration as commander wants arguments read: in seconds if it has no unit. */
export function durationArgument(text: string): number {
  const ms = readDuration(text, 's');
  const slip = millisecondsMeant(text);
  if (ms !== undefined && ms >= leastMs && slip === undefined) return ms;
  const allowed = `A duration of at least ${leastMs} ms is needed, such as '60s' or '5m'; a number without a unit is in seconds`;
  throw new InvalidArgumentError(slip === undefined ? `${allowed}.` : `${allowed}; ${slip}.`);
}

/** Returns an option whose value is a duration, in seconds if it has no unit. */
export function durationOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(durationArgument);
}
