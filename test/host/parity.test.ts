import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { ConnectionJson } from '../../src/host/list/row.js';
import { hasIPv6 } from '../peers.js';
import { ownNetwork, runProgram } from '../program.js';
import { cannotRun } from '../requirement.js';
import type { ChurnResult, Holder } from './churn-scene.js';
import type { ExitsResult } from './exits-scene.js';
import type { OwnListing } from './own-listing.js';
import type { ParityRound } from './parity-scene.js';
import { endpointText } from './ss.js';

const network = ownNetwork();
const withoutNetwork = cannotRun(network === undefined, 'it needs a network namespace of its own');
const withoutSs = cannotRun(spawnSync('ss', ['-V']).status !== 0, 'comparing with ss needs iproute2');

const withoutIPv6 = cannotRun(!hasIPv6, 'it needs the address ::1');
const withoutBash = cannotRun(spawnSync('bash', ['-c', 'true']).status !== 0, 'it needs bash');

const toleranceMs = 300;

/** From 10 s on `ss` leaves out the milliseconds, and from 10 min on the seconds. */
function ssPrecisionMs(expiresMs: number): number {
  if (expiresMs >= 600_000) return 60_000;
  return expiresMs >= 10_000 ? 1000 : 0;
}

const run = <Result>(program: string) => runProgram<Result>(new URL(program, import.meta.url), [], network, 110_000);

const keyOf = ({ local, remote }: ConnectionJson) =>
  `${local.address} ${local.port} to ${remote.address} ${remote.port}`;

function byKey(connections: readonly ConnectionJson[]): Map<string, ConnectionJson> {
  const found = new Map(connections.map((row) => [keyOf(row), row]));
  expect(found.size, 'each connection is listed once').toBe(connections.length);
  return found;
}

/** What does not move with the clock. */
const steadyPart = ({ state, timer, unanswered }: ConnectionJson) => ({ state, kind: timer?.kind, unanswered });

/** Whether a timer ran on in between: one that fired has started again. */
const ranOn = (first: ConnectionJson, last: ConnectionJson) =>
  JSON.stringify(steadyPart(first)) === JSON.stringify(steadyPart(last)) &&
  (first.timer?.expiresMs ?? 0) >= (last.timer?.expiresMs ?? 0);

/** Asserts that what `ss` says lies between what we say before and after it. */
function compareRow(row: ParityRound['ss'][number], first: ConnectionJson, last: ConnectionJson): void {
  const key = keyOf(last);
  const theirs = { state: row.state, kind: row.timer?.kind, unanswered: row.timer?.unanswered ?? last.unanswered };
  expect(theirs, key).toEqual(steadyPart(last));
  if (row.timer === null || first.timer === null || last.timer === null) return;
  const { expiresMs } = row.timer;
  expect(expiresMs, key).toBeLessThanOrEqual(first.timer.expiresMs + toleranceMs);
  expect(expiresMs + ssPrecisionMs(expiresMs), key).toBeGreaterThanOrEqual(last.timer.expiresMs - toleranceMs);
}

/** Compares what did not change between our listings, and gives what `ls` prints of it. */
function compare({ before, ss, after, printed }: ParityRound): ConnectionJson[] {
  const theirs = new Map<string, ParityRound['ss'][number]>(
    ss.map((row) => [`${endpointText(row.local, 6)} to ${endpointText(row.remote, 6)}`, row]),
  );
  const [earlier, later, output] = [byKey(before), byKey(after), byKey(printed.connections)];
  for (const ours of [earlier, later, output]) expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
  const compared: ConnectionJson[] = [];
  for (const [key, row] of theirs) {
    const [first, last, shown] = [earlier, later, output].map((listing) => listing.get(key) as ConnectionJson);
    if (first === undefined || last === undefined || shown === undefined || !ranOn(first, last)) continue;
    compareRow(row, first, last);
    if (ranOn(last, shown)) compared.push(shown);
  }
  return compared;
}

/** The holder that an end of a row belongs to; ports alone may be the same at different addresses. */
function holderOf({ local, remote }: ConnectionJson, holders: readonly Holder[]): Holder | undefined {
  return holders.find(({ to, port }) => [local, remote].some((end) => end.address === to && end.port === port));
}

const holderProgram = {
  name: expect.any(String),
  program: 'node churn-holder.ts',
  command: expect.stringContaining('churn-holder.ts'),
};

/** Asserts that a row is one that the holder's sockets can give. */
function checkHeld(row: ConnectionJson, { from, to, port, pid, idle, churns }: Holder): void {
  const { local, remote, keepAlive, verdict } = row;
  const isAccepted = local.address === to;
  const isListener = row.state === 'LISTEN';
  if (isListener)
    expect([local, remote]).toEqual([
      { address: to, port },
      { address: '0.0.0.0', port: 0 },
    ]);
  else expect([local.address, remote.address].sort()).toEqual([to, from]);
  // One that comes or goes has no owner or options yet, or no more.
  if (!churns || row.process !== null) expect(row.process).toEqual({ pid, ...holderProgram });
  if (churns && keepAlive === null) return;
  const policy = { enabled: true, idle, interval: 5000, count: 3, userTimeout: 0 };
  expect(keepAlive).toMatchObject(isAccepted ? policy : { enabled: false, userTimeout: 0 });
  if (churns && verdict === null) return;
  expect(verdict).toBe(isListener || isAccepted ? 'slow' : 'unprotected');
}

/** Asserts that a listing has each socket that stays, once, and no wrong row; gives how many came and went. */
function checkListing({ connections, incomplete }: OwnListing, holders: readonly Holder[]): number {
  byKey(connections);
  const counts = new Map(holders.map((holder) => [holder, 0]));
  for (const row of connections) {
    const holder = holderOf(row, holders);
    expect(holder, `whose is ${keyOf(row)}?`).toBeDefined();
    if (holder === undefined) continue;
    checkHeld(row, holder);
    counts.set(holder, (counts.get(holder) ?? 0) + 1);
  }
  for (const { why } of incomplete) expect(why).not.toMatch(/could not be read/);
  let passing = 0;
  for (const [{ churns, connections: kept }, count] of counts) {
    if (churns) passing += count - 1;
    else expect(count).toBe(2 * kept + 1);
  }
  return passing;
}

describe('ls --json --all-states', () => {
  it.skipIf(withoutNetwork || withoutSs || withoutIPv6)(
    'lists what ss lists, with the same states and timers',
    async () => {
      const rounds = await run<ParityRound[]>('./parity-scene.ts');
      const compared = rounds.flatMap(compare);
      const kinds = new Set(compared.map(({ timer }) => timer?.kind));
      expect(kinds).toEqual(new Set([undefined, 'keepalive', 'retransmission', 'timewait', 'persist']));
      const states = new Set(compared.map(({ state }) => state));
      for (const state of ['ESTABLISHED', 'LISTEN', 'TIME_WAIT', 'FIN_WAIT2', 'CLOSE_WAIT', 'SYN_SENT', 'SYN_RECV']) {
        expect(states).toContain(state);
      }
      const addresses = new Set(compared.map(({ local }) => local.address));
      expect(addresses).toEqual(new Set(['127.0.0.1', '::1', '::']));
      expect(compared.some(({ unanswered, timer }) => unanswered > 0 && timer?.kind === 'keepalive')).toBe(true);
    },
  );

  it.skipIf(withoutNetwork)(
    'lists 20,000 sockets while others come and go, and never a wrong row',
    async () => {
      const { holders, listings } = await run<ChurnResult>('./churn-scene.ts');
      for (const listing of listings) expect(checkListing(listing, holders)).toBeGreaterThan(0);
    },
    300_000,
  );

  it.skipIf(withoutNetwork || withoutBash)('goes on when processes exit while it looks at them', async () => {
    const { pid, port, listings } = await run<ExitsResult>('./exits-scene.ts');
    expect(listings).toHaveLength(20);
    const names = new Set<string | undefined>();
    for (const { connections } of listings) {
      byKey(connections);
      const [listener, ...others] = connections.filter(({ state }) => state === 'LISTEN');
      expect(listener).toMatchObject({ local: { address: '127.0.0.1', port }, process: { pid } });
      expect(others).toEqual([]);
      for (const { local, remote, process: owner } of connections) {
        expect([local.port, remote.port]).toContain(port);
        if (owner !== null && owner.pid !== pid) names.add(owner.name);
      }
    }
    expect([...names].filter((name) => name !== 'bash' && name !== 'sleep')).toEqual([]);
    expect(names.size).toBeGreaterThan(0);
  });
});
