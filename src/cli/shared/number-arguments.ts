import { InvalidArgumentError } from 'commander';

/** Reads a share as commander wants arguments read: `5%`, or `0.05`. */
export function shareArgument(text: string): number {
  const [, number = '', percent] = /^(\d{1,3}(?:\.\d{1,9})?) ?(%?)$/.exec(text) ?? [];
  const value = number === '' ? Number.NaN : Number(number) / (percent === '%' ? 100 : 1);
  if (value >= 0 && value < 1) return value;
  throw new InvalidArgumentError("A share from 0 to less than 1 is needed, such as '5%' or '0.05'.");
}

/** Returns the reader of a whole number in a range. */
export function wholeArgument(least: number, most: number) {
  return (text: string): number => {
    const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`A whole number from ${least} to ${most} is needed.`);
  };
}

/** Returns the reader of a number above 0, also with an exponent: `1e-6`. */
export function positiveArgument(example: string) {
  return (text: string): number => {
    const value = /^\d{1,15}(?:\.\d{1,15})?(?:e[+-]?\d{1,3})?$/i.test(text) ? Number(text) : Number.NaN;
    if (value > 0 && Number.isFinite(value)) return value;
    throw new InvalidArgumentError(`A number above 0 is needed, such as '${example}'.`);
  };
}
