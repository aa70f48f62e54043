import { InvalidArgumentError } from 'commander';
import { PolicyError } from '../../policy/errors.js';
import { parsePolicy, readPolicy } from '../../policy/parse.js';

/** Reads text as commander wants arguments read: a wrong policy, or part of one, is a usage error. */
function argument<T>(read: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return read(text);
    } catch (error) {
      if (error instanceof PolicyError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}

export const policyArgument = argument(parsePolicy);

/** Reads --rto-max: a number without a unit is seconds, as in policy text. */
export const rtoMaxArgument = argument((text) => {
  const rtoMax = /^[\d.]+$/.test(text) ? `${text}s` : text;
  return readPolicy({ rtoMax }).rtoMax as number | 'system';
});
