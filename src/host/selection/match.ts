import { anyGlobMatcher } from '../../policy/match/glob.js';
import { isInRange, type PortRange } from '../../policy/match/port-range.js';
import { isVerdictMeant, type Verdict } from '../../policy/model/verdict.js';
import { type AddressPrefix, isWithin, parseAddress } from '../../wire/ip-address.js';
import type { TcpState } from '../../wire/tcp-info/decode.js';
import type { HostConnection } from '../list/connection.js';
import { type ConnectionRow, dependsOnKeepAlive, lastHeardMs } from '../list/row.js';
import type { HiddenProcesses } from '../owners/proc-links.js';
import { type HostProcess, hostProcess } from '../owners/processes.js';
import { namesOf } from '../owners/program-name.js';
import type { Selection } from './selection.js';

/** The part of a selection that the kernel can apply to its own list. Each filter admits what any of its values does. */
export interface KernelSelection {
  readonly states?: readonly TcpState[];
  readonly ports?: readonly PortRange[];
  readonly locals?: readonly AddressPrefix[];
  readonly remotes?: readonly AddressPrefix[];
  readonly cgroupIds?: readonly bigint[];
}

/** Beyond this many cgroups, comparing them all costs the kernel more than listing the connections. */
const mostCgroups = 32;

/**
 * Gives the part of a selection that the kernel can apply. What it lets through still has to be matched: that a
 * connection passes says nothing about the other filters.
 *
 * @param idsBelow Gives the ids of a cgroup and of all below it, `Cgroups.idsBelow`.
 */
export function kernelSelection(selection: Selection, idsBelow?: (path: string) => readonly bigint[]): KernelSelection {
  const { state, port, local, remote, cgroup } = selection;
  const cgroupIds = idsBelow === undefined ? undefined : cgroupIdsOf(cgroup, idsBelow);
  return {
    ...(state && { states: state }),
    ...(port && { ports: port }),
    ...(local && { locals: local }),
    ...(remote && { remotes: remote }),
    ...(cgroupIds && { cgroupIds }),
  };
}

function cgroupIdsOf(
  paths: readonly string[] | undefined,
  idsBelow: (path: string) => readonly bigint[],
): readonly bigint[] | undefined {
  if (paths === undefined || paths.some((path) => /[*?]/.test(path))) return undefined;
  const perPath = paths.map(idsBelow);
  // A path that is not there now may be that of a process, in a hierarchy of version 1.
  if (perPath.some((ids) => ids.length === 0)) return undefined;
  const ids = [...new Set(perPath.flat())];
  return ids.length <= mostCgroups ? ids : undefined;
}

/** Tells which connections a selection means. */
export interface SelectionMatcher {
  /** Applies what the kernel's report alone decides: worth asking before anything else is found out. */
  admits(connection: HostConnection): boolean;
  /** Applies all of it. */
  matches(row: ConnectionRow): boolean;
  /** Returns whether the selection may mean a row that does not match: a fact that a filter needs could not be read. */
  mayMean(row: ConnectionRow, hidden: HiddenProcesses | undefined): boolean;
}

type Test<T> = (value: T) => boolean;

/** A filter that the kernel's list does not decide. */
interface RowTest {
  matches(row: ConnectionRow): boolean;
  /** Returns whether the fact that the filter needs could not be read; called only for a row that does not match. */
  isOpen(row: ConnectionRow, hidden: HiddenProcesses | undefined): boolean;
}

function portTest(ranges: readonly PortRange[]): Test<HostConnection> {
  return ({ local, remote }) => ranges.some((range) => isInRange(range, local.port, remote.port));
}

function isInAny(text: string, prefixes: readonly AddressPrefix[]): boolean {
  const address = parseAddress(text);
  return address !== undefined && prefixes.some((prefix) => isWithin(address, prefix));
}

/** A listener's 0.0.0.0 is no peer, and would be in every block of length 0. */
function remoteTest(prefixes: readonly AddressPrefix[]): Test<HostConnection> {
  return ({ remote, state }) => state !== 'LISTEN' && isInAny(remote.address, prefixes);
}

/** Returns whether a process that may not be looked into may have the socket. */
function isOwnerHidden({ owners, connection }: ConnectionRow, hidden: HiddenProcesses | undefined): boolean {
  return hidden !== undefined && owners.length === 0 && connection.inode !== 0;
}

function pidTest(pids: readonly number[]): RowTest {
  return {
    matches: ({ owners }) => owners.some(({ pid }) => pids.includes(pid)),
    isOpen: (row, hidden) =>
      isOwnerHidden(row, hidden) && (hidden?.hasUnlisted || pids.some((pid) => hidden?.pids.includes(pid))) === true,
  };
}

/** Returns a test of what is known of a process by its id, which it remembers. */
function processTest(matches: Test<HostProcess>): RowTest {
  const known = new Map<number, boolean>();
  const isMeant = (process: HostProcess) => {
    const { pid } = process;
    if (!known.has(pid)) known.set(pid, matches(process));
    return known.get(pid) === true;
  };
  let hasHidden: boolean | undefined;
  // Any user may read the name and the command line of a process, unless /proc hides the process.
  const isAnyHidden = ({ pids, hasUnlisted }: HiddenProcesses) => {
    hasHidden ??= hasUnlisted || pids.some((pid) => matches(hostProcess(pid) ?? { pid, name: '' }));
    return hasHidden;
  };
  return {
    matches: ({ owners }) => owners.some(isMeant),
    isOpen: (row, hidden) => isOwnerHidden(row, hidden) && hidden !== undefined && isAnyHidden(hidden),
  };
}

function cgroupTest(paths: readonly string[]): RowTest {
  const matches = anyGlobMatcher(paths.flatMap((path) => (path === '/' ? ['/*'] : [path, `${path}/*`])));
  return {
    matches: ({ cgroup }) => cgroup !== null && matches(cgroup),
    isOpen: (row, hidden) => row.cgroup === null && isOwnerHidden(row, hidden),
  };
}

/** Cgroups whose sockets may be of any unit: those of no unit, and that of systemd, which opens sockets for services. */
const cgroupsOfAnyUnit = new Set([null, '/', '/init.scope']);

function unitTest(names: readonly string[]): RowTest {
  const matches = anyGlobMatcher(names.flatMap((name) => [name, `${name}.service`]));
  return {
    matches: ({ unit, container }) => (unit !== null && matches(unit)) || (container !== null && matches(container)),
    isOpen: (row, hidden) => cgroupsOfAnyUnit.has(row.cgroup) && isOwnerHidden(row, hidden),
  };
}

function verdictTest(verdicts: readonly Verdict[]): RowTest {
  return {
    matches: ({ verdict }) => isVerdictMeant(verdict, verdicts),
    // With keepalive on, only the other verdicts are possible.
    isOpen: ({ verdict, connection, keepAlive }) =>
      verdict === null &&
      dependsOnKeepAlive(connection) &&
      !(keepAlive?.enabled && verdicts.every((wanted) => wanted === 'unprotected')),
  };
}

function silentTest(times: readonly number[]): Test<HostConnection> {
  const leastMs = Math.min(...times);
  return (connection) => (lastHeardMs(connection) ?? 0) >= leastMs;
}

function unansweredTest(isWanted: boolean): Test<HostConnection> {
  return ({ state, unanswered }) => state !== 'LISTEN' && unanswered > 0 === isWanted;
}

function connectionTests({
  port,
  local,
  remote,
  state,
  netns,
  silentFor,
  unanswered,
}: Selection): Test<HostConnection>[] {
  const tests: Test<HostConnection>[] = [];
  if (state !== undefined) tests.push((connection) => state.includes(connection.state));
  if (netns !== undefined) tests.push((connection) => netns.includes(connection.netns));
  if (port !== undefined) tests.push(portTest(port));
  if (local !== undefined) tests.push(({ local: end }) => isInAny(end.address, local));
  if (remote !== undefined) tests.push(remoteTest(remote));
  if (silentFor !== undefined) tests.push(silentTest(silentFor));
  if (unanswered !== undefined) tests.push(unansweredTest(unanswered));
  return tests;
}

function rowTests({ pid, process, command, verdict, cgroup, unit }: Selection): RowTest[] {
  const tests: RowTest[] = [];
  if (pid !== undefined) tests.push(pidTest(pid));
  if (process !== undefined) {
    const matches = anyGlobMatcher(process);
    tests.push(processTest((owner) => namesOf(owner).some(matches)));
  }
  if (command !== undefined) {
    const matches = anyGlobMatcher(command);
    tests.push(processTest((owner) => matches(owner.command ?? '')));
  }
  if (verdict !== undefined) tests.push(verdictTest(verdict));
  if (cgroup !== undefined) tests.push(cgroupTest(cgroup));
  if (unit !== undefined) tests.push(unitTest(unit));
  return tests;
}

/** Prepares a selection for matching. */
export function selectionMatcher(selection: Selection): SelectionMatcher {
  const ofConnection = connectionTests(selection);
  const ofRow = rowTests(selection);
  const admits = (connection: HostConnection) => ofConnection.every((test) => test(connection));
  return {
    admits,
    matches: (row) => admits(row.connection) && ofRow.every((test) => test.matches(row)),
    mayMean: (row, hidden) =>
      admits(row.connection) && ofRow.every((test) => test.matches(row) || test.isOpen(row, hidden)),
  };
}
