import type { HostConnection } from '../../src/host/list/connection.js';
import type { ConnectionRow } from '../../src/host/list/row.js';
import type { KeepAliveState } from '../../src/index.js';
import { decodeTcpInfo, type TcpInfo, type TcpState, tcpInfoLength } from '../../src/wire/tcp-info/decode.js';

export const on: KeepAliveState = { enabled: true, idle: 30_000, interval: 5_000, count: 3, userTimeout: 0 };
export const off: KeepAliveState = { ...on, enabled: false, idle: 7_200_000, interval: 75_000, count: 9 };

export function exampleInfo(fields: Partial<TcpInfo> = {}): TcpInfo {
  return {
    ...(decodeTcpInfo(new Uint8Array(tcpInfoLength)) as TcpInfo),
    state: 'ESTABLISHED',
    retransmits: 0,
    probes: 0,
    backoff: 0,
    rtoMs: 200,
    unacked: 0,
    lastDataSentMs: 60_000,
    lastDataReceivedMs: 18_000,
    lastAckReceivedMs: 20_000,
    segmentsOut: 10,
    segmentsIn: 10,
    ...fields,
  };
}

export function exampleConnection(fields: Partial<HostConnection> = {}): HostConnection {
  return {
    family: 4,
    local: { address: '10.0.0.5', port: 5432 },
    remote: { address: '10.0.7.21', port: 49_152 },
    state: 'ESTABLISHED',
    timer: { kind: 'keepalive', expiresMs: 12_000 },
    unanswered: 0,
    receiveQueue: 0,
    sendQueue: 0,
    uid: 0,
    inode: 4711,
    cookie: 1n,
    interfaceIndex: 0,
    cgroupId: 1n,
    info: exampleInfo(),
    netns: 4_026_531_840,
    ...fields,
  };
}

/** A row whose parts can each be replaced. */
export function exampleRow(fields: Partial<ConnectionRow> = {}): ConnectionRow {
  const owner = { pid: 812, name: 'postgres', fd: 9 };
  return {
    connection: exampleConnection(),
    keepAlive: on,
    process: owner,
    owners: [owner],
    unit: 'postgresql.service',
    container: null,
    cgroup: '/system.slice/postgresql.service',
    verdict: 'protected',
    detection: { quietMs: 50_000, inFlightMs: 1_090_000 },
    unreachable: null,
    ...fields,
  };
}

export function inState(state: TcpState, fields: Partial<HostConnection> = {}): HostConnection {
  return exampleConnection({ state, ...fields });
}
