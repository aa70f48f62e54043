import { type Command, InvalidArgumentError } from 'commander';
import { importPolicies, type PlacedPolicy } from '../../../policy/dialects/import-policy.js';
import { parsePolicy } from '../../../policy/parse.js';
import type { CompletePolicy } from '../../../policy/policy.js';
import { offByDefaultWarning } from '../../../policy/warnings/off-by-default-warning.js';
import type { PolicyWarning } from '../../../policy/warnings/policy-warnings.js';
import { readDialectText } from '../../shared/dialect-text.js';
import { policyArgument } from '../../shared/policy-argument.js';

/** A policy to explain. */
export interface GivenPolicy {
  readonly policy: CompletePolicy | 'off';
  readonly warnings: readonly PolicyWarning[];
  /** What the text of another system does not say. */
  readonly notes: readonly string[];
  /** Where the policy stands in the text of another system. */
  readonly place?: { readonly line: number; readonly word: string };
}

function placedPolicy(placed: PlacedPolicy): GivenPolicy {
  const { policy, notes, offByDefault, line, word } = placed;
  const warning = offByDefaultWarning(placed);
  return {
    policy: policy === 'off' ? policy : parsePolicy(policy),
    warnings: warning === undefined ? [] : [warning],
    // The warning says the same as its note.
    notes: notes.filter((note) => note !== offByDefault),
    place: { line, word },
  };
}

/** Reads the policy of an argument, or each policy in the text of another system. Ends the program if the argument is wrong. */
export function givenPolicies(text: string, from: string | undefined, command: Command): readonly GivenPolicy[] {
  if (from !== undefined) return importPolicies(from, readDialectText(text, command)).map(placedPolicy);
  try {
    return [{ policy: text === 'off' ? text : policyArgument(text), warnings: [], notes: [] }];
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    return command.error(`argument 'policy' '${text}' is invalid. ${error.message}`);
  }
}
