import type { HostConnection } from './connection.js';

/** Linux gives out ports from 32768 on to clients (net.ipv4.ip_local_port_range), other systems from 49152 on. */
const firstOfClients = 32_768;

const keyOf = (netns: number, end: 'local' | 'remote', port: number) => `${netns} ${end}:${port}`;

/**
 * Returns a function that names the service's end of a connection as `--port` takes it: `local:443` or `remote:5432`.
 *
 * The service is at the end that listens on this machine, else at the port that more connections share, else at the end whose
 * port is not one of those that clients get. Both ports may be such: the service is then at the peer, because this end does not listen.
 *
 * @param connections All connections that are named; listeners among them count.
 * @param listeners Further listeners of this machine.
 */
export function servicePorts(
  connections: readonly HostConnection[],
  listeners: readonly HostConnection[] = [],
): (connection: HostConnection) => string {
  const listening = new Set<string>();
  for (const { state, netns, local } of [...connections, ...listeners]) {
    if (state === 'LISTEN') listening.add(`${netns}:${local.port}`);
  }
  const counts = new Map<string, number>();
  for (const { netns, local, remote } of connections) {
    for (const key of [keyOf(netns, 'local', local.port), keyOf(netns, 'remote', remote.port)]) {
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  const isLocal = ({ netns, local, remote }: HostConnection): boolean => {
    if (listening.has(`${netns}:${local.port}`)) return true;
    if (listening.has(`${netns}:${remote.port}`)) return false;
    const [here = 0, there = 0] = [
      counts.get(keyOf(netns, 'local', local.port)),
      counts.get(keyOf(netns, 'remote', remote.port)),
    ];
    if (here !== there) return here > there;
    return local.port < firstOfClients && local.port < remote.port;
  };
  return (connection) => (isLocal(connection) ? `local:${connection.local.port}` : `remote:${connection.remote.port}`);
}
