import { anyGlobMatcher } from '../policy/glob.js';
import { isInRange, type PortRange } from '../policy/port-range.js';
import { type AddressPrefix, isWithin, parseAddress } from '../wire/ip-address.js';
import type { TcpState } from '../wire/tcp-info.js';
import type { HostConnection } from './connection.js';
import type { ConnectionRow } from './row.js';
import type { Selection } from './selection.js';

/** The part of a selection that the kernel can apply to its own list. Each filter admits what any of its values does. */
export interface KernelSelection {
  readonly states?: readonly TcpState[];
  readonly ports?: readonly PortRange[];
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
  const { state, port, remote, cgroup } = selection;
  const cgroupIds = idsBelow === undefined ? undefined : cgroupIdsOf(cgroup, idsBelow);
  return {
    ...(state && { states: state }),
    ...(port && { ports: port }),
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
}

type Test<T> = (value: T) => boolean;

function portTest(ranges: readonly PortRange[]): Test<HostConnection> {
  return ({ local, remote }) => ranges.some((range) => isInRange(range, local.port, remote.port));
}

function remoteTest(prefixes: readonly AddressPrefix[]): Test<HostConnection> {
  return ({ remote, state }) => {
    // A listener's 0.0.0.0 is no peer, and would be in every block of length 0.
    if (state === 'LISTEN') return false;
    const address = parseAddress(remote.address);
    return address !== undefined && prefixes.some((prefix) => isWithin(address, prefix));
  };
}

function cgroupTest(paths: readonly string[]): Test<ConnectionRow> {
  const matches = anyGlobMatcher(paths.flatMap((path) => (path === '/' ? ['/*'] : [path, `${path}/*`])));
  return ({ cgroup }) => cgroup !== null && matches(cgroup);
}

function unitTest(names: readonly string[]): Test<ConnectionRow> {
  const matches = anyGlobMatcher(names.flatMap((name) => [name, `${name}.service`]));
  return ({ unit, container }) => (unit !== null && matches(unit)) || (container !== null && matches(container));
}

function processTest(patterns: readonly string[]): Test<ConnectionRow> {
  const matches = anyGlobMatcher(patterns);
  return ({ owners }) => owners.some(({ name }) => matches(name));
}

function connectionTests({ port, remote, state, netns }: Selection): Test<HostConnection>[] {
  const tests: Test<HostConnection>[] = [];
  if (state !== undefined) tests.push((connection) => state.includes(connection.state));
  if (netns !== undefined) tests.push((connection) => netns.includes(connection.netns));
  if (port !== undefined) tests.push(portTest(port));
  if (remote !== undefined) tests.push(remoteTest(remote));
  return tests;
}

function rowTests({ pid, process, verdict, cgroup, unit }: Selection): Test<ConnectionRow>[] {
  const tests: Test<ConnectionRow>[] = [];
  if (pid !== undefined) tests.push(({ owners }) => owners.some((owner) => pid.includes(owner.pid)));
  if (process !== undefined) tests.push(processTest(process));
  if (verdict !== undefined) tests.push((row) => row.verdict !== null && verdict.includes(row.verdict));
  if (cgroup !== undefined) tests.push(cgroupTest(cgroup));
  if (unit !== undefined) tests.push(unitTest(unit));
  return tests;
}

/** Prepares a selection for matching. */
export function selectionMatcher(selection: Selection): SelectionMatcher {
  const ofConnection = connectionTests(selection);
  const ofRow = rowTests(selection);
  const admits = (connection: HostConnection) => ofConnection.every((test) => test(connection));
  return { admits, matches: (row) => admits(row.connection) && ofRow.every((test) => test(row)) };
}
