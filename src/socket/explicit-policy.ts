import type net from 'node:net';
import type { ValidPolicy } from '../policy/index.js';
import { mergePolicies } from './planned-state.js';
import { handleOf } from './target.js';

const policies = new WeakMap<object, ValidPolicy | false>();

/** Remembers that a program itself gave a socket or a server this policy, which then wins over any other. */
export function rememberExplicit(endpoint: net.Socket | net.Server, policy: ValidPolicy | false): void {
  const merged = mergePolicies(policies.get(endpoint), policy);
  policies.set(endpoint, merged);
  // Below TLS lies the handle that the descriptor belongs to.
  for (let handle = handleOf(endpoint); typeof handle === 'object'; handle = handle._parent ?? undefined) {
    policies.set(handle, merged);
  }
}

/** The policy that a program itself gave a socket, a server or its handle; `false` where it turned keepalive off. */
export function explicitPolicy(endpoint: object): ValidPolicy | false | undefined {
  return policies.get(endpoint);
}
