import type { ConnectionPolicy } from './active-policy.js';

/** After the first connection of a policy and address family, one in so many is read back. */
const oneIn = 100;

/** Chooses the outgoing connections whose options are read back: reading takes half of the system calls. */
export class ReadBackSample {
  /** How many connections each policy had, over IPv4 and over IPv6. */
  readonly #connections = new WeakMap<object, [ipv4: number, ipv6: number]>();

  /** Counts a connection. Returns whether to read its options back. */
  includes(policy: ConnectionPolicy, address: string): boolean {
    if (typeof policy !== 'object') return true;
    const counts = this.#connections.get(policy) ?? [0, 0];
    this.#connections.set(policy, counts);
    const family = address.includes(':') ? 1 : 0;
    counts[family] += 1;
    return counts[family] % oneIn === 1;
  }
}
