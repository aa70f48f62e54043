import type { ValidPolicy } from '../../policy/policy.js';
import { mergeSettings } from '../../policy/settings.js';
import type { ProcessMode } from './requested-keep-alive.js';
import type { CompiledRule, Facts } from './rules.js';

/** The policy of a connection. `false` turns keepalive off; `'unmanaged'` leaves the connection to its program. */
export type ConnectionPolicy = ValidPolicy | false | 'unmanaged';

/** What is in force for a process: the policy of all connections, and the rules that come before it. */
export interface ActivePolicy {
  /** `'unmanaged'` if only rules give policies. */
  readonly policy: ConnectionPolicy;
  readonly mode: ProcessMode;
  readonly rules: readonly CompiledRule[];
}

/**
 * Returns the policy of a connection: the first rule that matches decides.
 *
 * Returns undefined for a listener whose connections must be decided on one by one, because a rule asks for the peer.
 */
export function policyFor({ policy, rules }: ActivePolicy, facts: Facts): ConnectionPolicy | undefined {
  for (const rule of rules) {
    const match = rule.matches(facts);
    if (match === 'yes') return rule.policy;
    if (match === 'unknown') return undefined;
  }
  return policy;
}

/** Returns what a program's own policy comes to on a connection that would have `decided`: what it leaves out is decided. */
export function policyWith<Decided extends ConnectionPolicy | undefined>(
  own: ValidPolicy | false | undefined,
  decided: Decided,
): ValidPolicy | false | Decided {
  if (own === undefined) return decided;
  const isPolicy = own !== false && typeof decided === 'object';
  return isPolicy ? mergeSettings(decided, own) : own;
}

/** Returns whether deciding takes the local port, which a client's handle has to be asked for. */
export function needsLocalPort({ rules }: ActivePolicy): boolean {
  return rules.some((rule) => rule.needsLocalPort);
}
