import { readlinkSync } from 'node:fs';
import type net from 'node:net';
import type { ConnectionRow } from '../../src/host/list/row.js';
import type { SocketOwner } from '../../src/host/owners/owners.js';
import { type ListQuery, listConnections } from '../../src/linux.js';
import type { OwnedDescriptor } from '../../src/native/owned-descriptor.js';
import { copyDescriptor, openProcess } from '../../src/native/pidfd.js';
import { kernelDefaults } from '../../src/socket/kernel-defaults.js';
import type { KeepAliveState } from '../../src/socket/state.js';
import { setReceptionOf } from '../../src/testing/reception.js';

/** Established connections whose port at one end is this, as the kernel has them. */
function select(end: 'local' | 'remote', port: number, more: Pick<ListQuery, 'selection' | 'options'> = {}) {
  const selection = { ...more.selection, port: [{ end, first: port, last: port }], state: ['ESTABLISHED'] } as const;
  return listConnections({ optionSource: 'descriptor-copies', ...more, selection });
}

/** The options of a connection, undefined if they were not read. */
function stateOf(row: ConnectionRow | undefined): KeepAliveState | undefined {
  return row?.keepAlive == null || row.keepAlive.idle === null ? undefined : row.keepAlive;
}

/** The connections of a process to a port of this machine, with their options; without those that it closed meanwhile. */
export function connectionsOf(pid: number, port: number): ConnectionRow[] {
  const { rows, incomplete } = select('remote', port, { selection: { pid: [pid] } });
  const isUnread = rows.some((row) => row.keepAlive === null && hasOpen(row));
  if (isUnread) throw new Error(incomplete.map(({ what, why }) => `${what}: ${why}`).join('; '));
  return rows.filter((row) => stateOf(row) !== undefined);
}

/** The connections that a server has accepted on a port, by the client's port; without their options. */
export function acceptedOn(port: number): Map<number, ConnectionRow> {
  const { rows } = select('local', port, { options: false });
  const owned = rows.filter(({ owners }) => owners.length > 0);
  return new Map(owned.map((row) => [row.connection.remote.port, row]));
}

/** The options of the server's end of a connection of this process, undefined if they cannot be read yet. */
export function acceptedState({ localPort, remotePort }: net.Socket): KeepAliveState | undefined {
  const row = select('local', remotePort as number).rows.find(({ connection }) => connection.remote.port === localPort);
  return stateOf(row);
}

/** The server's end of a connection that a client has. */
export function serverEndOf({ connection: { local, remote } }: ConnectionRow): ConnectionRow {
  const end = acceptedOn(remote.port).get(local.port);
  if (end === undefined) throw new Error(`no process has the other end of port ${local.port}`);
  return end;
}

/** The process that has a connection open now; others may have had it for a moment, such as one that lists it. */
function holderOf({ owners, connection }: ConnectionRow): SocketOwner | undefined {
  return owners.find(({ pid, fd }) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === `socket:[${connection.inode}]`;
    } catch {
      return false;
    }
  });
}

/** A copy of the descriptor that a process has for a connection. */
export function copyOf(row: ConnectionRow): OwnedDescriptor {
  const owner = holderOf(row);
  if (owner === undefined) throw new Error('no process has the connection');
  using process = openProcess(owner.pid);
  return copyDescriptor(process, owner.fd);
}

/** Makes the server's end of a connection that a client has vanish. */
export function crashServerOf(row: ConnectionRow): void {
  using end = copyOf(serverEndOf(row));
  setReceptionOf(end.fd, 'IPv4', 'drop');
}

/** Whether the process that had the connection still has a descriptor for it, dead or alive. */
export function hasOpen(row: ConnectionRow): boolean {
  return holderOf(row) !== undefined;
}

/** A state in the words of the documents: `off`, `60:1:10`, or that the values are the kernel's. */
export function describeState({ enabled, idle, interval, count }: KeepAliveState): string {
  if (!enabled) return 'off';
  const defaults = kernelDefaults();
  const isDefault = idle === defaults.idle && interval === defaults.interval && count === defaults.count;
  return isDefault ? "on, the kernel's timers" : `${idle / 1000}:${interval / 1000}:${count}`;
}
