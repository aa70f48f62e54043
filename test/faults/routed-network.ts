import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { inNetworkNamespace } from '../../src/native/network-namespace.js';
import { clientTls, serverTls } from '../endpoints.js';
import type { Transport } from '../peers.js';
import { endNamespaces, namespace, runInside } from './namespace.js';

/** Whether this process may make namespaces, routes and packet filters, and the programs for it are there. */
export function canRoute(): boolean {
  return spawnSync('unshare', ['--net', 'sh', '-c', 'ip link set lo up && nft add table inet t']).status === 0;
}

/** The way between the two ends of a connection. */
export interface Route {
  /** The router loses its route to the server, and says so (ICMP, host unreachable). */
  cut(): Promise<void>;
}

/** A connection across the router. */
export interface RoutedPair extends Route {
  readonly client: net.Socket;
  readonly server: net.Socket;
  close(): void;
}

/**
 * Each connection has addresses of its own at both ends, so that the way of each can be cut by itself, and because a
 * router limits the ICMP errors that it sends to one address (net/ipv4/route.c, `ip_error`).
 */
const mostConnections = 40;

function addressOf(transport: Transport, network: 1 | 2, connection: number): string {
  return transport === 'IPv6' ? `fd77:${network}::${10 + connection}` : `10.77.${network}.${10 + connection}`;
}

const addAddresses = (network: 1 | 2) =>
  Array.from({ length: mostConnections }, (_, connection) => [
    `ip address add ${addressOf('IPv4', network, connection)}/24 dev uplink`,
    `ip address add ${addressOf('IPv6', network, connection)}/64 dev uplink nodad`,
  ])
    .flat()
    .join('\n');

const clientSetup = (router: number) => `
ip link add uplink type veth peer name clients netns ${router}
${addAddresses(1)}
ip link set uplink up
ip route add default via 10.77.1.1
ip -6 route add default via fd77:1::1
`;

/** Without a route to the clients: what reaches them goes by the router's address, or not at all. */
const serverSetup = (router: number) => `
ip link add uplink type veth peer name servers netns ${router}
${addAddresses(2)}
ip link set uplink up
`;

const routerSetup = `
ip address add 10.77.1.1/24 dev clients
ip address add fd77:1::1/64 dev clients nodad
ip address add 10.77.2.1/24 dev servers
ip address add fd77:2::1/64 dev servers nodad
ip link set clients up
ip link set servers up
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
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
    ct state invalid drop
    iifname "servers" ct state new drop
  }
}
RULES
echo 0 > /proc/sys/net/netfilter/nf_conntrack_tcp_loose
`;

function listenIn(holder: ChildProcess, server: net.Server): number {
  // Without a host Node.js binds within the call, so the listener stays in that namespace.
  inNetworkNamespace(holder.pid as number, () => server.listen(0));
  return (server.address() as net.AddressInfo).port;
}

/**
 * A client, a router that translates addresses and drops what it has no entry for, and a server, each in a network
 * namespace of its own; the sockets of all are this process's. Needs root.
 */
export class RoutedNetwork {
  readonly #client: ChildProcess;
  readonly #router: ChildProcess;
  readonly #server: ChildProcess;
  readonly #listeners: { readonly plain: net.Server; readonly tls: tls.Server };
  readonly #ports: { readonly plain: number; readonly tls: number };
  #pairs = 0;

  private constructor(client: ChildProcess, router: ChildProcess, server: ChildProcess) {
    this.#client = client;
    this.#router = router;
    this.#server = server;
    this.#listeners = { plain: net.createServer(), tls: tls.createServer(serverTls) };
    this.#ports = { plain: listenIn(server, this.#listeners.plain), tls: listenIn(server, this.#listeners.tls) };
  }

  static async make(): Promise<RoutedNetwork> {
    const holders = await Promise.all([namespace(), namespace(), namespace()]);
    const [client, router, server] = holders;
    try {
      await runInside(client, clientSetup(router.pid as number));
      await runInside(server, serverSetup(router.pid as number));
      await runInside(router, routerSetup);
      return new RoutedNetwork(client, router, server);
    } catch (error) {
      for (const holder of holders) holder.stdin?.end();
      throw error;
    }
  }

  /** Connects to an address of the server that no other connection uses. */
  async connect(transport: Transport): Promise<RoutedPair> {
    const number = this.#pairs++;
    if (number >= mostConnections) throw new Error('there are no more addresses');
    const address = addressOf(transport, 2, number);
    const [client, server] = await this.#sockets(transport, addressOf(transport, 1, number), address);
    for (const end of [client, server]) end.on('error', () => {});
    return {
      client,
      server,
      cut: () => runInside(this.#router, `ip ${transport === 'IPv6' ? '-6' : ''} route replace unreachable ${address}`),
      close: () => {
        client.destroy();
        server.destroy();
      },
    };
  }

  /** From now on the router forgets what has been quiet for a second. */
  async forgetTheQuiet(): Promise<void> {
    await runInside(this.#router, 'echo 1 > /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established');
  }

  async close(): Promise<void> {
    for (const listener of Object.values(this.#listeners)) listener.close();
    await endNamespaces([this.#client, this.#server, this.#router]);
  }

  async #sockets(transport: Transport, localAddress: string, address: string): Promise<[net.Socket, net.Socket]> {
    const options = {
      host: 'server',
      localAddress,
      autoSelectFamily: false,
      // The socket is made within the callback, and so in the client's namespace.
      lookup: (_host: string, _options: object, found: (error: null, address: string, family: number) => void) =>
        inNetworkNamespace(this.#client.pid as number, () => found(null, address, net.isIP(address))),
    };
    if (transport !== 'TLS') {
      const client = net.connect({ ...options, port: this.#ports.plain });
      return [client, await this.#accepted('plain', 'connection', address, client)];
    }
    const client = tls.connect({ ...options, ...clientTls, port: this.#ports.tls });
    const server = await this.#accepted('tls', 'secureConnection', address, client);
    // The server may hold its session tickets back until it reads.
    client.write('.');
    await once(server, 'data');
    server.pause();
    return [client, server];
  }

  /** The server's end of a connection to `address`. */
  #accepted(kind: 'plain' | 'tls', event: string, address: string, client: net.Socket): Promise<net.Socket> {
    const listener: net.Server = this.#listeners[kind];
    return new Promise((resolve, reject) => {
      client.once('error', reject);
      const onAccepted = (socket: net.Socket) => {
        if (socket.localAddress?.replace('::ffff:', '') !== address) return;
        listener.off(event, onAccepted);
        client.off('error', reject);
        resolve(socket);
      };
      listener.on(event, onAccepted);
    });
  }
}
