import { InvalidArgumentError } from 'commander';
import { PolicyError } from '../../policy/errors.js';
import { parsePolicy } from '../../policy/parse.js';
import type { CompletePolicy } from '../../policy/policy.js';

/** Reads policy text as commander wants arguments read: a wrong one is a usage error. */
export function policyArgument(text: string): CompletePolicy {
  try {
    return parsePolicy(text);
  } catch (error) {
    if (error instanceof PolicyError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}
