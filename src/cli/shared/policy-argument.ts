import { InvalidArgumentError } from 'commander';
import { readDuration } from '../../policy/duration.js';
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

/** Checks that a text is a duration or a word, in the words of the command line, where a bare number is seconds. */
function assertDuration(field: Exclude<SettingField, 'count'>, text: string): void {
  const words = field === 'userTimeout' ? ['auto', 'system'] : ['system'];
  const slip = field === 'rtoMax' ? undefined : millisecondsMeant(text);
  const isValid = words.includes(text) || readDuration(text, 's') !== undefined;
  if (isValid && slip === undefined) return;
  const allowed =
    field === 'rtoMax' ? "1 s to 120 s, in steps of 100 ms, such as '5s'" : "a duration such as '30', '30s' or '1m30s'";
  throw new PolicyError(field, text, `${allowed}, or '${words.join("' or '")}'`, slip);
}

/** Returns the reader of one number of a policy. A duration without a unit is seconds, as in policy text. */
export function numberArgument<Field extends SettingField>(field: Field): (text: string) => KeepAlivePolicy[Field] {
  return argument((text) => {
    const isBare = /^[\d.]+$/.test(text);
    if (field === 'count') return readPolicy({ count: isBare ? Number(text) : text } as KeepAlivePolicy)[field];
    assertDuration(field, text);
    // `auto` is for the caller: its numbers are those of each connection.
    return text === 'auto' ? text : readPolicy({ [field]: isBare ? `${text}s` : text })[field];
  }) as (text: string) => KeepAlivePolicy[Field];
}
