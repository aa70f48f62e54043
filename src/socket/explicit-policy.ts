import type net from 'node:net';
import { type Handle, handleOf, handlesFrom } from '../node/handle.js';
import { isOff, type ValidPolicy } from '../policy/policy.js';
import { mergePolicies, type PlannedPolicy } from './planned-state.js';
import { threadState } from './thread-state.js';

const { explicit: policies } = threadState;

/** Remembers that a program itself gave a socket or a server this policy, which then wins over any other. */
export function rememberExplicit(endpoint: net.Socket | net.Server, policy: ValidPolicy | false): void {
  policies.set(endpoint, mergePolicies(policies.get(endpoint), policy));
  rememberForHandle(endpoint);
}

/** Remembers an endpoint's policy for its present handles: Node.js makes a handle for each address that it tries. */
export function rememberForHandle(endpoint: net.Socket | net.Server): void {
  const policy = policies.get(endpoint);
  if (policy !== undefined) rememberOnHandle(handleOf(endpoint), policy);
}

/** Remembers the policy of a connection that has no socket yet. */
export function rememberOnHandle(top: Handle | undefined, policy: PlannedPolicy): void {
  for (const handle of handlesFrom(top)) policies.set(handle, policy);
}

/** The policy that a program itself gave a socket, a server or its handle; `false` if it turned keepalive off. */
export function explicitPolicy(endpoint: object): ValidPolicy | false | undefined {
  const policy = policies.get(endpoint);
  return policy !== undefined && isOff(policy) ? false : policy;
}
