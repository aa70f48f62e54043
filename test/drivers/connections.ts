import type { ConnectionRow } from '../../src/host/row.js';
import { listConnections, type Selection } from '../../src/linux.js';
import type { OwnedDescriptor } from '../../src/native/owned-descriptor.js';
import { copyDescriptor, openProcess } from '../../src/native/pidfd.js';
import { type KeepAliveState, kernelDefaults } from '../../src/socket/index.js';

/** Established connections whose port at one end is this, as the kernel has them. */
function select(end: 'local' | 'remote', port: number, more: Selection = {}): ConnectionRow[] {
  const selection = { ...more, port: [{ end, first: port, last: port }], state: ['ESTABLISHED'] } as const;
  const { rows, incomplete } = listConnections({ selection, optionSource: 'descriptor-copies' });
  const unread = rows.find(({ keepAlive }) => keepAlive === null);
  if (unread !== undefined) throw new Error(incomplete.map(({ what, why }) => `${what}: ${why}`).join('; '));
  return [...rows];
}

/** The connections of a process to a port of this machine. */
export function connectionsOf(pid: number, port: number): ConnectionRow[] {
  return select('remote', port, { pid: [pid] });
}

/** The server's end of a connection that a client has. */
export function serverEndOf({ connection: { local, remote } }: ConnectionRow): ConnectionRow {
  const end = select('local', remote.port).find((row) => row.connection.remote.port === local.port);
  if (end === undefined) throw new Error(`no process has the other end of port ${local.port}`);
  return end;
}

/** A copy of the descriptor that a process has for a connection. */
export function copyOf({ owners: [owner] }: ConnectionRow): OwnedDescriptor {
  if (owner === undefined) throw new Error('no process has the connection');
  using process = openProcess(owner.pid);
  return copyDescriptor(process, owner.fd);
}

/** A state in the words of the documents: `off`, `60:1:10`, or that the values are the kernel's. */
export function describeState({ enabled, idle, interval, count }: KeepAliveState): string {
  if (!enabled) return 'off';
  const defaults = kernelDefaults();
  const isDefault = idle === defaults.idle && interval === defaults.interval && count === defaults.count;
  return isDefault ? "on, the kernel's timers" : `${idle / 1000}:${interval / 1000}:${count}`;
}
