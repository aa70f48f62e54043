import type { ValidPolicy } from '../../policy/policy.js';
import type { ProcessMode } from './requested-keep-alive.js';
import type { CompiledRule, Facts } from './rules.js';

/** What is in force for a process: the policy of all connections, and the rules that come before it. */
export interface ActivePolicy {
  /** `false` where only rules give policies. */
  readonly policy: ValidPolicy | false;
  readonly mode: ProcessMode;
  readonly rules: readonly CompiledRule[];
}

/**
 * The policy of a connection, `false` where it is left to the program; the first rule that matches decides.
 *
 * `undefined` for a listener whose connections have to be decided on one by one, because a rule asks for the peer.
 */
export function policyFor({ policy, rules }: ActivePolicy, facts: Facts): ValidPolicy | false | undefined {
  for (const rule of rules) {
    const match = rule.matches(facts);
    if (match === 'yes') return rule.policy;
    if (match === 'unknown') return undefined;
  }
  return policy;
}

/** Returns whether deciding takes the local port, which a client's handle has to be asked for. */
export function needsLocalPort({ rules }: ActivePolicy): boolean {
  return rules.some((rule) => rule.needsLocalPort);
}
