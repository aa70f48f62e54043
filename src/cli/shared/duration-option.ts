import { InvalidArgumentError, Option } from 'commander';
import { readDuration } from '../../policy/duration.js';
import { millisecondsMeant } from '../../policy/unit-slip.js';

interface DurationRange {
  readonly leastMs: number;
  readonly mostMs: number;
  readonly allowed: string;
}

/** Within less, no peer answers and no list is read. */
const anyDuration: DurationRange = { leastMs: 20, mostMs: Number.POSITIVE_INFINITY, allowed: 'of at least 20 ms' };

/** Reads a duration as commander wants arguments read: in seconds if it has no unit. */
export function durationArgument(text: string, { leastMs, mostMs, allowed } = anyDuration): number {
  const ms = readDuration(text, 's');
  const slip = millisecondsMeant(text);
  if (ms !== undefined && ms >= leastMs && ms <= mostMs && slip === undefined) return ms;
  const needed = `A duration ${allowed} is needed, such as '60s' or '5m'; a number without a unit is in seconds`;
  throw new InvalidArgumentError(slip === undefined ? `${needed}.` : `${needed}; ${slip}.`);
}

/** Returns an option whose value is a duration, in seconds if it has no unit. */
export function durationOption(flags: string, description: string, range = anyDuration): Option {
  return new Option(flags, description).argParser((text) => durationArgument(text, range));
}
