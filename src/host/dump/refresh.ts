import { NetlinkSocket } from '../../native/socket/netlink-socket.js';
import type { DiagFilter } from '../../wire/inet-diag/filter.js';
import type { TcpState } from '../../wire/tcp-info/state.js';
import type { HostConnection } from '../list/connection.js';
import { type NetworkNamespace, within } from '../namespaces/network-namespaces.js';
import { socketOf } from './destroy.js';
import { type DumpQuery, dumpConnections } from './dump.js';
import { describeSockets } from './missed-sockets.js';

/** Connections as they are now, by cookie. Connections that are gone are missing. */
export type Refreshed = ReadonlyMap<bigint, HostConnection>;

/** The kernel compares the ports of every socket with each of so many at most; beyond, it lists all. */
const mostCompared = 50;

function betweenPorts({ local, remote }: HostConnection): DiagFilter {
  return {
    kind: 'and',
    of: [
      { kind: 'local-port', from: local.port, to: local.port },
      { kind: 'remote-port', from: remote.port, to: remote.port },
    ],
  };
}

/** Asks for each connection that a list lacks: the kernel can pass over a socket. Listeners share their addresses. */
function describeMissing(connections: readonly HostConnection[], listed: Refreshed): HostConnection[] {
  const missing = connections.filter(({ cookie, state }) => !listed.has(cookie) && state !== 'LISTEN');
  if (missing.length === 0) return [];
  using socket = NetlinkSocket.open();
  return describeSockets(socket, true, missing.map(socketOf), missing[0]?.netns ?? 0);
}

/**
 * Reads connections of one namespace again, in the given states. A few connections are filtered by their ports, which a
 * connection keeps as long as it is listed. The result may have other connections too.
 */
export function refresh(
  connections: readonly HostConnection[],
  namespace: NetworkNamespace | undefined,
  states: readonly TcpState[],
): Refreshed {
  if (connections.length === 0) return new Map();
  const all: DumpQuery = { states, info: true };
  const query: DumpQuery =
    connections.length > mostCompared ? all : { ...all, filter: { kind: 'or', of: connections.map(betweenPorts) } };
  return within(namespace, () => {
    const dump = dumpConnections(query);
    const refreshed = new Map(dump.connections.map((connection) => [connection.cookie, connection]));
    for (const connection of describeMissing(connections, refreshed)) {
      if (states.includes(connection.state)) refreshed.set(connection.cookie, connection);
    }
    return refreshed;
  });
}
