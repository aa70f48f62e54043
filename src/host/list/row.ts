import type { Detection, Judge, Judgement, Transfer, Verdict } from '../../policy/model/verdict.js';
import { type KeepAliveState, settingsOf, unknownSetting } from '../../policy/settings.js';
import type { Endpoint } from '../../wire/endpoint.js';
import { silentMsOf } from '../../wire/tcp-info/decode.js';
import { type ProcessPlace, unescapeUnit } from '../owners/cgroup-path.js';
import type { SocketOwner } from '../owners/owners.js';
import { type HostProcess, shownName } from '../owners/processes.js';
import type { HostConnection, TimerKind } from './connection.js';
import { type Exposure, exposureOf } from './exposure.js';

/** Whether keepalive is on, as the kernel's timers show if the options could not be read. */
export type KeepAliveByTimer = {
  readonly [Field in keyof KeepAliveState]: Field extends 'enabled' ? boolean : null;
};

/** All that is known of one connection: what the kernel reports, whose it is, and what to think of it. */
export interface ConnectionRow {
  readonly connection: HostConnection;
  /** `null` if not known or not requested; without numbers if only the kernel's timers tell. */
  readonly keepAlive: KeepAliveState | KeepAliveByTimer | null;
  /** The owner with the lowest pid. */
  readonly process: HostProcess | null;
  /** Every process that has the socket open, the lowest pid first. */
  readonly owners: readonly SocketOwner[];
  /** The unit of systemd, as systemctl takes its name. */
  readonly unit: string | null;
  /** The runtime and the short id, such as `docker:3f2a9c0d1e4b`. */
  readonly container: string | null;
  readonly cgroup: string | null;
  /** `null` if the connection could not be judged, or keepalive does not decide how long it lasts. */
  readonly verdict: Verdict | null;
  /** When the kernel would notice that the peer has vanished; `null` if not known, or if keepalive does not decide. */
  readonly detection: Detection | null;
  /** Why the options cannot be read; `null` if they can, or if no obstacle is known. */
  readonly unreachable: string | null;
  /** What the middlebox of the query does to the connection; only with a query that names a middlebox. */
  readonly behind?: Exposure;
}

/** What belongs to a connection besides what the kernel reports of it. */
export interface RowParts {
  readonly keepAlive: KeepAliveState | KeepAliveByTimer | null;
  readonly owners: readonly SocketOwner[];
  readonly place: ProcessPlace;
  /** The sysctl `net.ipv4.tcp_retries2` of its network namespace; `null` if it could not be read. */
  readonly retries2?: number | null;
  readonly unreachable?: string | null;
  /** The idle timeout of a middlebox on the path, in milliseconds, as `judge` has it. */
  readonly behindMs?: number | undefined;
}

/** The states in which a connection is open at least one way, or is being closed. */
const connectedStates = new Set(['ESTABLISHED', 'CLOSE_WAIT', 'FIN_WAIT1', 'FIN_WAIT2', 'LAST_ACK', 'CLOSING']);

/** The states that a connection can be in after its program has closed it. */
const closedStates = new Set(['FIN_WAIT1', 'FIN_WAIT2', 'LAST_ACK', 'CLOSING', 'TIME_WAIT']);

/**
 * Returns whether a connection is an orphan: its program has closed it, and only the kernel still has it. The options of an
 * orphan cannot be read or set, and it ends by the kernel's own limits (tcp_fin_timeout, tcp_orphan_retries).
 *
 * Without a process, ESTABLISHED and CLOSE_WAIT connections wait to be accepted: they are no orphans.
 *
 * @example
 * const orphans = listConnections().rows.filter(({ connection }) => isOrphan(connection));
 */
export function isOrphan({ state, inode }: HostConnection): boolean {
  return inode === 0 && closedStates.has(state);
}

/**
 * Returns whether keepalive decides how long a connection outlives its peer: the connection has a peer, and a program that
 * waits for the peer. Also true for a listener, whose options the accepted connections inherit.
 *
 * @example
 * const isUnknown = row.verdict === null && dependsOnKeepAlive(row.connection);
 */
export function dependsOnKeepAlive({ state, inode }: HostConnection): boolean {
  return state === 'LISTEN' || (inode !== 0 && connectedStates.has(state));
}

/**
 * Returns whether keepalive is on according to the kernel's timers, which any user may see; `undefined` if they do not tell.
 *
 * SO_KEEPALIVE keeps the timer armed as long as the connection exists, in all states after the handshake
 * (tcp_set_keepalive(), tcp_finish_connect(), tcp_create_openreq_child()); with data in flight the timer only arms itself
 * anew, and inet_diag shows the retransmission timer instead. An orphan in FIN_WAIT2 has another timer in its place.
 * While the timer's handler runs, the timer is not armed: one look alone does not tell that keepalive is off.
 */
export function keepAliveByTimer(connection: HostConnection): KeepAliveByTimer | undefined {
  const { state, timer } = connection;
  if (state === 'LISTEN' || !dependsOnKeepAlive(connection)) return undefined;
  if (timer !== null && timer.kind !== 'keepalive') return undefined;
  return { enabled: timer !== null, ...settingsOf(unknownSetting) };
}

/** Returns the part of a connection's state that its verdict depends on. */
function transferOf({ state, sendQueue, timer, info }: HostConnection, retries2: number | null): Transfer {
  return {
    isInFlight: state !== 'LISTEN' && sendQueue > 0,
    isWindowClosed: timer?.kind === 'persist',
    // Each retransmission has doubled the timeout, up to a limit that hides the first one.
    ...(info && state !== 'LISTEN' ? { rtoMs: Math.max(info.rtoMs / 2 ** info.backoff, 200) } : {}),
    retries2,
  };
}

/** Returns whether the next probe is certain to come after the timeout of a middlebox: timers are never early. */
function isTimerLate(connection: HostConnection, behindMs = Number.POSITIVE_INFINITY): boolean {
  const { timer, unanswered } = connection;
  if (timer?.kind !== 'keepalive' || unanswered > 0) return false;
  return (lastHeardMs(connection) ?? 0) + timer.expiresMs >= behindMs;
}

/** A {@link Judgement}, or nothing if the connection cannot be judged. */
type RowJudgement = Omit<Judgement, 'detection'> & Pick<ConnectionRow, 'detection'>;

/** Returns the verdict and detection times of a connection, from its options or from its timers alone. */
function judged(connection: HostConnection, parts: RowParts, judge: Judge): RowJudgement {
  const { keepAlive, retries2 = null, behindMs } = parts;
  if (keepAlive === null || !dependsOnKeepAlive(connection)) return { verdict: null, detection: null };
  if (keepAlive.idle !== null) return judge(keepAlive, transferOf(connection, retries2));
  if (keepAlive.enabled) return { verdict: isTimerLate(connection, behindMs) ? 'exposed' : null, detection: null };
  const never = Number.POSITIVE_INFINITY;
  return { verdict: 'unprotected', detection: { quietMs: never, inFlightMs: null }, firstProbeMs: never };
}

/**
 * Returns the time since the last packet that a middlebox saw before its timeout; `null` if not known. Data in flight are sent
 * again, and probes that were sent in time keep the connection in the middlebox.
 */
function quietForMs(connection: HostConnection, keepAlive: RowParts['keepAlive'], timeoutMs: number): number | null {
  const { sendQueue, unanswered } = connection;
  const wereProbesLate = keepAlive?.enabled === true && (keepAlive.idle ?? 0) >= timeoutMs;
  return sendQueue > 0 || (unanswered > 0 && !wereProbesLate) ? null : lastHeardMs(connection);
}

/** Makes a row. `judge` gives the verdict if one applies. */
export function connectionRow(connection: HostConnection, parts: RowParts, judge: Judge): ConnectionRow {
  const { keepAlive, owners, place, unreachable = null, behindMs } = parts;
  const { container } = place;
  const { verdict, detection, firstProbeMs = null } = judged(connection, parts, judge);
  const isLate = verdict === 'exposed' || verdict === 'unprotected';
  return {
    connection,
    keepAlive,
    process: owners[0] ?? null,
    owners,
    unit: place.unit,
    container: container === null ? null : `${container.runtime}:${container.id}`,
    cgroup: place.path,
    verdict,
    detection,
    unreachable,
    ...(behindMs === undefined
      ? {}
      : { behind: exposureOf(behindMs, firstProbeMs, isLate, quietForMs(connection, keepAlive, behindMs)) }),
  };
}

/**
 * Returns the time in milliseconds since data or an acknowledgement came from the peer; `null` without a peer or if not known.
 *
 * @example
 * const quiet = rows.filter(({ connection }) => (lastHeardMs(connection) ?? 0) > 600_000);
 */
export function lastHeardMs({ state, info }: HostConnection): number | null {
  if (info === undefined || state === 'LISTEN' || state === 'CLOSE' || state === 'SYN_SENT') return null;
  return silentMsOf(info);
}

/** Returns the container, else the unit without what only systemd needs of its name; `null` if neither is known. */
export function unitName({ container, unit }: Pick<ConnectionRow, 'container' | 'unit'>): string | null {
  return container ?? (unit === null ? null : unescapeUnit(unit).replace(/\.service$/, ''));
}

/** Returns the two ends of a connection, as its JSON begins. */
export function endsOf({ local, remote }: HostConnection): { readonly local: Endpoint; readonly remote: Endpoint } {
  return {
    local: { address: local.address, port: local.port },
    remote: { address: remote.address, port: remote.port },
  };
}

/** A connection as `ls --json` shows it; durations are in milliseconds. */
export interface ConnectionJson {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly state: string;
  /** The numbers are `null` if only the kernel's timers tell whether keepalive is on. */
  readonly keepAlive: { readonly [field in keyof KeepAliveState]: KeepAliveState[field] | null } | null;
  readonly timer: { readonly kind: TimerKind; readonly expiresMs: number } | null;
  readonly unanswered: number;
  readonly lastHeardMs: number | null;
  /** The process; `command` has at most 1000 characters, and is `null` if the command line is empty or could not be read. */
  readonly process:
    | (Required<Pick<HostProcess, 'pid' | 'name' | 'program'>> & { readonly command: string | null })
    | null;
  readonly unit: string | null;
  readonly cgroup: string | null;
  readonly netns: number;
  readonly verdict: Verdict | null;
  /** `quietMs` is `null` with keepalive off: never. */
  readonly detection: { readonly quietMs: number | null; readonly inFlightMs: number | null } | null;
  /** Only with a query that names a middlebox; `firstProbeMs` is also `null` with keepalive off: never. */
  readonly behind?: Exposure;
}

/** Many connections may be of one process with a long command line. */
const mostOfCommand = 1000;

function processJson(process: HostProcess): NonNullable<ConnectionJson['process']> {
  const { pid, name, command = null } = process;
  const isLong = command !== null && command.length > mostOfCommand;
  return { pid, name, program: shownName(process), command: isLong ? `${command.slice(0, mostOfCommand)}…` : command };
}

/** JSON has no `Infinity`. */
const finite = (ms: number | null) => (ms === Number.POSITIVE_INFINITY ? null : ms);

/**
 * Returns the JSON form of a row, as `ls --json` prints it: a row itself has a `bigint`, which JSON refuses.
 *
 * @example
 * console.log(JSON.stringify(listConnections().rows.map(connectionToJson)));
 */
export function toJson(row: ConnectionRow): ConnectionJson {
  const { connection, keepAlive, process, detection, behind } = row;
  const { timer } = connection;
  return {
    ...endsOf(connection),
    state: connection.state,
    keepAlive,
    timer: timer && { kind: timer.kind, expiresMs: timer.expiresMs },
    unanswered: connection.unanswered,
    lastHeardMs: lastHeardMs(connection),
    process: process && processJson(process),
    unit: row.unit,
    cgroup: row.cgroup,
    netns: connection.netns,
    verdict: row.verdict,
    detection: detection && { quietMs: finite(detection.quietMs), inFlightMs: detection.inFlightMs },
    ...(behind && { behind: { ...behind, firstProbeMs: finite(behind.firstProbeMs) } }),
  };
}
