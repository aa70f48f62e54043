import { assertKnownNames, ConfigurationError } from '../../policy/configuration-error.js';
import type { PolicyError } from '../../policy/errors.js';
import { globMatcher } from '../../policy/match/glob.js';
import { parsePortRange } from '../../policy/match/port-range.js';
import { readPolicyOrOff } from '../../policy/parse.js';
import type { PolicyInput } from '../../policy/policy.js';
import { assertSettable } from '../../policy/validate.js';
import { isWithin, parseAddress, parseAddressPrefix } from '../../wire/ip-address.js';
import type { ConnectionPolicy } from './active-policy.js';

/** Which end of a connection this process is: the one that connected, or the one that accepted. */
export type ConnectionRole = 'client' | 'server';

/** Which connections get which policy; all of what is stated must match. */
export interface PolicyRule {
  readonly role?: ConnectionRole;
  /**
   * The port of the service, a number, `'443'` or `'8000-8099'`: the remote one of a client, the local one of a server.
   * `'remote:...'` and `'local:...'` say which end themselves.
   */
  readonly port?: number | string;
  /** The peer's address or a block of addresses, `'10.0.0.0/8'`; IPv4-mapped addresses count as IPv4. */
  readonly remote?: string;
  /** The host name that a client was given; `*` and `?` stand for any text and one character. */
  readonly host?: string;
  /** `'off'` and `false` turn keepalive off; `'unmanaged'` leaves the connection to the program. */
  readonly policy: PolicyInput | 'unmanaged' | boolean;
}

/** What is known of a connection, or of a listener, whose peers are not known yet. */
export interface Facts {
  readonly role: ConnectionRole;
  readonly host?: string | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localPort: number | undefined;
}

/** `'unknown'`: it takes the peer's address, which a listener does not have. */
type Match = 'yes' | 'no' | 'unknown';

export interface CompiledRule {
  readonly policy: ConnectionPolicy;
  readonly needsLocalPort: boolean;
  matches(facts: Facts): Match;
}

type Condition = (facts: Facts) => Match;

const answer = (holds: boolean): Match => (holds ? 'yes' : 'no');

function portCondition(port: number | string, field: string, source: string): Condition {
  const range = parsePortRange(String(port));
  if (range === undefined) {
    const allowed = "a port, such as 5432, '8000-8099', 'local:443' or 'remote:5432'";
    throw new ConfigurationError(source, field, port, allowed);
  }
  return ({ role, localPort, remotePort }) => {
    const isRemote = range.end === 'remote' || (range.end === 'either' && role === 'client');
    const given = isRemote ? remotePort : localPort;
    return given === undefined ? 'unknown' : answer(given >= range.first && given <= range.last);
  };
}

function remoteCondition(remote: string, field: string, source: string): Condition {
  const prefix = parseAddressPrefix(remote);
  if (prefix === undefined) {
    throw new ConfigurationError(source, field, remote, "an address or a block such as '10.0.0.0/8'");
  }
  return ({ remoteAddress }) => {
    if (remoteAddress === undefined) return 'unknown';
    const address = parseAddress(remoteAddress);
    return answer(address !== undefined && isWithin(address, prefix));
  };
}

function hostCondition(host: string): Condition {
  const isHost = globMatcher(host.toLowerCase());
  return ({ role, host: given }) => answer(role === 'client' && given !== undefined && isHost(given.toLowerCase()));
}

const fields = ['role', 'port', 'remote', 'host', 'policy'] as const;

function checkFields(rule: unknown, field: string, source: string): asserts rule is PolicyRule {
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) {
    throw new ConfigurationError(source, field, rule, `an object of ${fields.join(', ')}`);
  }
  assertKnownNames(source, 'field', Object.keys(rule), fields, field);
  const { role, remote, host } = rule as Record<string, unknown>;
  if (role !== undefined && role !== 'client' && role !== 'server') {
    throw new ConfigurationError(source, `${field}.role`, role, "'client' or 'server'");
  }
  for (const [name, value] of Object.entries({ remote, host })) {
    if (value === undefined || (typeof value === 'string' && value !== '')) continue;
    throw new ConfigurationError(source, `${field}.${name}`, value, 'text that is not empty');
  }
}

/**
 * Reads the policy of connections: policy text or an object, `'on'` or `true`, `'off'` or `false`, or `'unmanaged'`.
 *
 * @throws {ConfigurationError} if it is none of these, with the field that is wrong.
 */
export function readConnectionPolicy(policy: unknown, field: string, source: string): ConnectionPolicy {
  if (policy === 'unmanaged') return policy;
  try {
    const read = readPolicyOrOff(policy as PolicyInput | boolean);
    if (read !== false) assertSettable(read);
    return read;
  } catch (error) {
    const { given, allowed, field: part, message } = error as PolicyError;
    const place = part === 'policy' ? field : `${field}.${part}`;
    const said = `${source}: ${place}${message.slice(part.length)}`;
    throw new ConfigurationError(source, place, given, allowed, error, undefined, said);
  }
}

function compileRule(rule: unknown, field: string, source: string): CompiledRule {
  checkFields(rule, field, source);
  const { role, port, remote, host } = rule;
  const conditions: Condition[] = [];
  if (role !== undefined) conditions.push((facts) => answer(facts.role === role));
  if (host !== undefined) conditions.push(hostCondition(host));
  if (port !== undefined) conditions.push(portCondition(port, `${field}.port`, source));
  if (remote !== undefined) conditions.push(remoteCondition(remote, `${field}.remote`, source));
  return {
    policy: readConnectionPolicy(rule.policy, `${field}.policy`, source),
    needsLocalPort: port !== undefined,
    matches: (facts) => {
      const answers = conditions.map((condition) => condition(facts));
      if (answers.includes('no')) return 'no';
      return answers.includes('unknown') ? 'unknown' : 'yes';
    },
  };
}

/**
 * Reads rules, each checked whole.
 *
 * @throws {ConfigurationError} naming the rule and its field, `rules[2].port`.
 */
export function compileRules(rules: unknown, source: string): CompiledRule[] {
  if (!Array.isArray(rules)) throw new ConfigurationError(source, 'rules', rules, 'a list of rules');
  return rules.map((rule, index) => compileRule(rule, `rules[${index}]`, source));
}
