import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { allStates, dumpConnections } from '../../src/host/dump/dump.js';
import type { HostConnection } from '../../src/host/list/connection.js';
import type { TcpInfo } from '../../src/wire/tcp-info/decode.js';
import { endpointText, type SsRow, ssRows } from './ss.js';

/** How far `ss` may be from the dumps on both sides of it, on top of the time between those. */
const toleranceMs = 300;

/** From 10 s on `ss` leaves out the milliseconds, and from 10 min on the seconds. */
function ssPrecisionMs(expiresMs: number): number {
  if (expiresMs >= 600_000) return 60_000;
  return expiresMs >= 10_000 ? 1000 : 0;
}

/** Words of `ss --info` that a field of TCP_INFO gives. */
const infoWords: Readonly<Record<string, (info: TcpInfo) => string | number | undefined>> = {
  mss: (info) => info.sendMss,
  pmtu: (info) => info.pathMtu,
  rcvmss: (info) => info.receiveMss,
  advmss: (info) => info.advertisedMss,
  cwnd: (info) => info.congestionWindow,
  bytes_sent: (info) => info.bytesSent,
  bytes_acked: (info) => info.bytesAcked,
  bytes_received: (info) => info.bytesReceived,
  segs_out: (info) => info.segmentsOut,
  segs_in: (info) => info.segmentsIn,
  data_segs_out: (info) => info.dataSegmentsOut,
  data_segs_in: (info) => info.dataSegmentsIn,
  rcv_space: (info) => info.receiveSpace,
  rcv_ssthresh: (info) => info.receiveSlowStartThreshold,
  delivered: (info) => info.delivered,
  unacked: (info) => info.unacked,
  notsent: (info) => info.notSentBytes,
  backoff: (info) => info.backoff,
  snd_wnd: (info) => info.sendWindow,
  wscale: (info) => `${info.sendWindowScale},${info.receiveWindowScale}`,
};

const plain = ({ address, port }: { address: string; port: number }) => `${address} ${port}`;

/** What a row must say, leaving out what moves with time. */
function steadyPart(connection: HostConnection) {
  const { state, receiveQueue, sendQueue, inode, uid, timer, unanswered, local, remote } = connection;
  const answered = timer === null ? null : { kind: timer.kind, unanswered };
  return { state, receiveQueue, sendQueue, inode, uid, timer: answered, local: plain(local), remote: plain(remote) };
}

function steadyPartOf(row: SsRow, family: 4 | 6): ReturnType<typeof steadyPart> {
  const { state, receiveQueue, sendQueue, inode, uid, timer } = row;
  const answered = timer === null ? null : { kind: timer.kind, unanswered: timer.unanswered };
  const local = endpointText(row.local, family);
  return {
    state,
    receiveQueue,
    sendQueue,
    inode,
    uid,
    timer: answered,
    local,
    remote: endpointText(row.remote, family),
  };
}

/** The clock of the timer must lie between what it was before and what it was afterwards. */
function compareTimers(row: SsRow, before: HostConnection, after: HostConnection): void {
  if (row.timer === null || before.timer === null || after.timer === null) return;
  // A timer that fired in between has started again.
  if (after.timer.expiresMs > before.timer.expiresMs) return;
  const { expiresMs } = row.timer;
  expect(expiresMs).toBeLessThanOrEqual(before.timer.expiresMs + toleranceMs);
  expect(expiresMs + ssPrecisionMs(expiresMs)).toBeGreaterThanOrEqual(after.timer.expiresMs - toleranceMs);
}

function compareInfo(row: SsRow, before: HostConnection, after: HostConnection): number {
  let compared = 0;
  for (const [word, read] of Object.entries(infoWords)) {
    const value = row.info.get(word);
    if (value === undefined || before.info === undefined || after.info === undefined) continue;
    if (read(before.info) !== read(after.info)) continue;
    expect(value, word).toBe(String(read(after.info)));
    compared++;
  }
  return compared;
}

export interface Comparison {
  /** The connections that both list and that did not change meanwhile. */
  readonly compared: HostConnection[];
  /** How many values of TCP_INFO were compared. */
  readonly values: number;
}

/**
 * Compares the sockets of a namespace with what `ss` says: those that our dump has both before and after it, with the
 * same content. A socket that comes, goes or changes meanwhile cannot be compared; one that others use may also change
 * and change back, so only those that `isOurs` admits are compared.
 */
export function compareWithSs(
  namespace?: string,
  isOurs: (socket: Pick<HostConnection, 'inode' | 'state'>) => boolean = () => true,
): Comparison {
  const dump = () =>
    dumpConnections({ states: allStates, info: true, ...(namespace === undefined ? {} : { netns: namespace }) });
  const before = new Map(dump().connections.map((connection) => [connection.cookie, connection]));
  const rows = ssRows(namespace);
  const { connections, incomplete } = dump();
  const after = new Map(connections.map((connection) => [connection.cookie, connection]));
  expect(incomplete).toEqual([]);
  const compared: HostConnection[] = [];
  let values = 0;
  for (const [cookie, later] of after) {
    const earlier = before.get(cookie);
    if (earlier === undefined || !isOurs(later)) continue;
    const row = rows.get(cookie);
    // Where others come and go, ss passes over a socket now and then, of which most are in TIME_WAIT.
    if (row === undefined && later.state === 'TIME_WAIT') continue;
    expect(row, `ss does not list ${plain(later.local)} to ${plain(later.remote)} ${later.state}`).toBeDefined();
    if (row === undefined || JSON.stringify(steadyPart(earlier)) !== JSON.stringify(steadyPart(later))) continue;
    expect(steadyPartOf(row, later.family)).toEqual(steadyPart(later));
    compareTimers(row, earlier, later);
    values += compareInfo(row, earlier, later);
    compared.push(later);
  }
  // Who holds a socket has not closed it meanwhile; one without an inode is in TIME_WAIT, and may be another's.
  const missed = [...rows.values()].filter(
    (row) => row.inode !== 0 && isOurs(row) && !before.has(row.cookie) && !after.has(row.cookie),
  );
  expect(missed.map(({ local, remote }) => [local, remote])).toEqual([]);
  return { compared, values };
}

/**
 * Compares the sockets of this namespace until a retransmission is pending among them: where ss takes longer than it
 * takes to the next one, a later one leaves it twice the time.
 */
export async function compareWithRetransmission(
  isOurs: (socket: Pick<HostConnection, 'inode' | 'state'>) => boolean,
): Promise<Comparison> {
  for (let turn = 0; ; turn += 1) {
    const comparison = compareWithSs(undefined, isOurs);
    if (turn === 5 || comparison.compared.some(({ timer }) => timer?.kind === 'retransmission')) return comparison;
    await sleep(500);
  }
}
