import type { ChildProcess } from 'node:child_process';
import { endNamespaces, namespace, runInside } from './namespace.js';

/** What the router does with a packet of a connection that it has forgotten. */
export type Expiry = 'silent' | 'reset';

const hosts: Readonly<Record<Expiry, number>> = { silent: 2, reset: 3 };

/** The server's address behind a router. Two addresses, because the routers answer for them differently. */
export function serverAddress(router: number, expiry: Expiry): string {
  return `10.78.${100 + router}.${hosts[expiry]}`;
}

const linkTo = (router: ChildProcess, peer: string, index: number, addresses: readonly string[]) => `
ip link add way${index} type veth peer name ${peer} netns ${router.pid}
${addresses.map((address) => `ip address add ${address}/24 dev way${index}`).join('\n')}
ip link set way${index} up
`;

/** The server has no route to the client: what reaches the client goes by an entry of the router, or not at all. */
async function connectRouter(client: ChildProcess, router: ChildProcess, server: ChildProcess, index: number) {
  const [near, far] = [`10.78.${10 + index}`, `10.78.${100 + index}`];
  const toServer = `ip route add ${far}.0/24 via ${near}.1`;
  await runInside(client, linkTo(router, 'clients', index, [`${near}.2`]) + toServer);
  const addresses = Object.values(hosts).map((host) => `${far}.${host}`);
  await runInside(server, linkTo(router, 'servers', index, addresses));
  return `
ip address add ${near}.1/24 dev clients
ip address add ${far}.1/24 dev servers
ip link set clients up
ip link set servers up
echo 1 > /proc/sys/net/ipv4/ip_forward
nft -f - <<RULES
table inet translation {
  chain out {
    type nat hook postrouting priority 100
    oifname "servers" masquerade
  }
}
table inet entries {
  chain through {
    type filter hook forward priority 0
    ct state invalid ip daddr ${far}.${hosts.reset} reject with tcp reset
    ct state invalid drop
    iifname "servers" ct state new drop
  }
}
RULES
echo 0 > /proc/sys/net/netfilter/nf_conntrack_tcp_loose
`;
}

/**
 * A client and a server, and several ways between them, each through a router that translates addresses and forgets a
 * connection after a time of its own. Each is a network namespace. Needs root.
 */
export class NatNetwork {
  readonly client: ChildProcess;
  readonly server: ChildProcess;
  readonly #routers: readonly ChildProcess[];

  private constructor(client: ChildProcess, server: ChildProcess, routers: readonly ChildProcess[]) {
    this.client = client;
    this.server = server;
    this.#routers = routers;
  }

  static async make(timeoutsS: readonly number[]): Promise<NatNetwork> {
    const [client, server, ...routers] = await Promise.all([namespace(), namespace(), ...timeoutsS.map(namespace)]);
    if (client === undefined || server === undefined) throw new Error('the network namespaces could not be made');
    const network = new NatNetwork(client, server, routers);
    try {
      for (const [index, router] of routers.entries()) {
        await runInside(router, await connectRouter(client, router, server, index));
        await network.setTimeout(index, timeoutsS[index] as number);
      }
      return network;
    } catch (error) {
      await network.close();
      throw error;
    }
  }

  /** Changes how long a router keeps connections that are made from now on, or send something. */
  async setTimeout(router: number, seconds: number): Promise<void> {
    await runInside(
      this.#routers[router] as ChildProcess,
      `echo ${seconds} > /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established`,
    );
  }

  /** Makes a router take up connections that it has no entry for, as Linux does by default. */
  async pickUp(router: number): Promise<void> {
    await runInside(this.#routers[router] as ChildProcess, 'echo 1 > /proc/sys/net/netfilter/nf_conntrack_tcp_loose');
  }

  async close(): Promise<void> {
    await endNamespaces([this.client, this.server, ...this.#routers]);
  }
}
