import type { PortRange } from '../../policy/match/port-range.js';
import type { DiagFilter } from '../../wire/inet-diag/filter.js';
import type { KernelSelection } from './match.js';

function portFilter({ end, first, last }: PortRange): DiagFilter {
  const local: DiagFilter = { kind: 'local-port', from: first, to: last };
  const remote: DiagFilter = { kind: 'remote-port', from: first, to: last };
  if (end === 'local') return local;
  return end === 'remote' ? remote : { kind: 'or', of: [local, remote] };
}

function anyOf(alternatives: readonly DiagFilter[]): DiagFilter {
  const [only] = alternatives;
  return alternatives.length === 1 && only !== undefined ? only : { kind: 'or', of: alternatives };
}

/** The condition under which the kernel lists a socket, or `undefined` where it is to list them all. */
export function kernelFilter({ ports, locals, remotes, cgroupIds }: KernelSelection): DiagFilter | undefined {
  const conditions: DiagFilter[] = [];
  if (ports !== undefined) conditions.push(anyOf(ports.map(portFilter)));
  if (locals !== undefined) conditions.push(anyOf(locals.map((prefix) => ({ kind: 'local-address', prefix }))));
  if (remotes !== undefined) conditions.push(anyOf(remotes.map((prefix) => ({ kind: 'remote-address', prefix }))));
  if (cgroupIds !== undefined) conditions.push(anyOf(cgroupIds.map((id) => ({ kind: 'cgroup', id }))));
  return conditions.length === 0 ? undefined : { kind: 'and', of: conditions };
}
