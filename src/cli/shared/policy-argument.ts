import { InvalidArgumentError } from 'commander';
import { PolicyError } from '../../policy/errors.js';
import { parsePolicy, readPolicy } from '../../policy/parse.js';
import type { KeepAlivePolicy, SettingField } from '../../policy/policy.js';
import { millisecondsMeant } from '../../policy/unit-slip.js';

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

/** Returns the reader of one number of a policy. A duration without a unit is seconds, as in policy text. */
export function numberArgument<Field extends SettingField>(field: Field): (text: string) => KeepAlivePolicy[Field] {
  return argument((text) => {
    const isBare = /^[\d.]+$/.test(text);
    if (field === 'count') return readPolicy({ count: isBare ? Number(text) : text } as KeepAlivePolicy)[field];
    const slip = field === 'rtoMax' ? undefined : millisecondsMeant(text);
    if (slip !== undefined) throw new PolicyError(field, text, 'a duration', slip);
    // `auto` is for the caller: its numbers are those of each connection.
    return text === 'auto' && field === 'userTimeout'
      ? text
      : readPolicy({ [field]: isBare ? `${text}s` : text })[field];
  }) as (text: string) => KeepAlivePolicy[Field];
}
