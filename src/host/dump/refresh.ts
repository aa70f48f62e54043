import type { DiagFilter } from '../../wire/inet-diag/filter.js';
import type { TcpState } from '../../wire/tcp-info/state.js';
import type { HostConnection } from '../list/connection.js';
import { type NetworkNamespace, within } from '../namespaces/network-namespaces.js';
import { type DumpQuery, dumpConnections } from './dump.js';

/** Connections as they are now, by cookie; those that are gone are missing. */
export type Refreshed = ReadonlyMap<bigint, HostConnection>;

/** Beyond this many, the kernel is asked for all of its list: it compares every socket's ports with each of them. */
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

/**
 * Looks again at connections of one namespace, in the states given. Where they are few, the kernel leaves out others by
 * their ports, which a connection keeps as long as it is listed; some others can be there nevertheless.
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
  const dump = within(namespace, () => dumpConnections(query));
  return new Map(dump.connections.map((connection) => [connection.cookie, connection]));
}
