import type { Verdict, VerdictInput } from '../policy/verdict.js';
import type { KeepAliveState } from '../socket/state.js';
import type { ProcessPlace } from './cgroup-path.js';
import type { Endpoint, HostConnection, TimerKind } from './connection.js';
import type { SocketOwner } from './owners.js';
import type { HostProcess } from './processes.js';

/** All that is known of one connection: what the kernel reports, whose it is, and what to think of it. */
export interface ConnectionRow {
  readonly connection: HostConnection;
  /** `null` where it could not be read, or was not asked for. */
  readonly keepAlive: KeepAliveState | null;
  /** The owner with the lowest pid. */
  readonly process: HostProcess | null;
  /** Every process that has the socket open, the lowest pid first. */
  readonly owners: readonly SocketOwner[];
  /** The unit of systemd, as systemctl takes its name. */
  readonly unit: string | null;
  /** The runtime and the short id, such as `docker:3f2a9c0d1e4b`. */
  readonly container: string | null;
  readonly cgroup: string | null;
  /** `null` where the keepalive settings are not known, or do not decide how long the connection lasts. */
  readonly verdict: Verdict | null;
}

/** What belongs to a connection besides what the kernel reports of it. */
export interface RowParts {
  readonly keepAlive: KeepAliveState | null;
  readonly owners: readonly SocketOwner[];
  readonly place: ProcessPlace;
}

/**
 * Whether keepalive decides how long the connection outlives its peer: it has a peer, and a program that waits for it.
 * One that no program has open any more ends by the kernel's own limits (tcp_fin_timeout, tcp_orphan_retries).
 */
export function dependsOnKeepAlive({ state, inode }: HostConnection): boolean {
  switch (state) {
    case 'LISTEN':
    case 'CLOSE':
    case 'SYN_SENT':
    case 'SYN_RECV':
    case 'NEW_SYN_RECV':
    case 'TIME_WAIT':
    case 'UNKNOWN':
      return false;
    default:
      return inode !== 0;
  }
}

/** Puts a row together; `judge` gives the verdict where there is one to give. */
export function connectionRow(
  connection: HostConnection,
  { keepAlive, owners, place }: RowParts,
  judge: (state: VerdictInput) => Verdict,
): ConnectionRow {
  const { container } = place;
  return {
    connection,
    keepAlive,
    process: owners[0] ?? null,
    owners,
    unit: place.unit,
    container: container === null ? null : `${container.runtime}:${container.id}`,
    cgroup: place.path,
    verdict: keepAlive !== null && dependsOnKeepAlive(connection) ? judge(keepAlive) : null,
  };
}

/** Time since anything was heard of the peer, data or an acknowledgement; `null` without a peer or where it is not known. */
export function lastHeardMs({ state, info }: HostConnection): number | null {
  if (info === undefined || state === 'LISTEN' || state === 'CLOSE' || state === 'SYN_SENT') return null;
  return Math.min(info.lastDataReceivedMs, info.lastAckReceivedMs);
}

/** A connection as `ls --json` shows it; durations are in milliseconds. */
export interface ConnectionJson {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly state: string;
  readonly keepAlive: KeepAliveState | null;
  readonly timer: { readonly kind: TimerKind; readonly expiresMs: number } | null;
  readonly unanswered: number;
  readonly lastHeardMs: number | null;
  readonly process: HostProcess | null;
  readonly unit: string | null;
  readonly cgroup: string | null;
  readonly netns: number;
  readonly verdict: Verdict | null;
}

/** Gives the JSON form of a row. */
export function toJson(row: ConnectionRow): ConnectionJson {
  const { connection, keepAlive, process } = row;
  const { local, remote, timer } = connection;
  return {
    local: { address: local.address, port: local.port },
    remote: { address: remote.address, port: remote.port },
    state: connection.state,
    keepAlive: keepAlive && {
      enabled: keepAlive.enabled,
      idle: keepAlive.idle,
      interval: keepAlive.interval,
      count: keepAlive.count,
      userTimeout: keepAlive.userTimeout,
    },
    timer: timer && { kind: timer.kind, expiresMs: timer.expiresMs },
    unanswered: connection.unanswered,
    lastHeardMs: lastHeardMs(connection),
    process: process && { pid: process.pid, name: process.name },
    unit: row.unit,
    cgroup: row.cgroup,
    netns: connection.netns,
    verdict: row.verdict,
  };
}
