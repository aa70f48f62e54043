import { limits } from '../../policy/limits.js';
import type { Assignment } from '../../socket/assignments.js';
import { linux } from '../../socket/platforms/linux.js';
import type { KeepAliveState } from '../../socket/state.js';

/** The assignments for a connection whose peer has left probes unanswered, or why nothing can be set. */
export type AdaptedAssignments =
  | { readonly list: readonly Assignment[]; readonly isAsWanted: boolean }
  | { readonly why: string };

const advice = 'set it again once the peer has answered, or as root, who can ask the peer';

function countOf(desired: number, now: KeepAliveState, unanswered: number): number {
  const count = Math.min(desired + unanswered, limits.count.max);
  // The addition of an earlier call stays until the peer answers. Else a dead peer would never be found dead.
  const isAdded = now.enabled && unanswered < now.count && desired < now.count && now.count <= count;
  return isAdded ? now.count : count;
}

/**
 * Adapts assignments to a connection with unanswered probes, so that the kernel does not end the connection because of
 * earlier probes. The count counts from now on. A user timeout is left out, because one unanswered probe makes it effective.
 *
 * @param unanswered The kernel's own number (`tcpi_probes`), which stays while keepalive is off.
 * @see Linux net/ipv4/tcp_timer.c, tcp_keepalive_timer
 */
export function adaptToUnanswered(
  list: readonly Assignment[],
  now: KeepAliveState,
  unanswered: number,
): AdaptedAssignments {
  const wanted = (field: keyof KeepAliveState) => list.find((assignment) => assignment.field === field)?.state;
  if (unanswered === 0 || !(wanted('enabled') ?? now.enabled)) return { list, isAsWanted: true };
  const userTimeout = wanted('userTimeout') ?? now.userTimeout ?? 0;
  if (now.userTimeout && userTimeout !== 0) {
    return { why: `${unanswered} probes are unanswered, and its user timeout could then end it: ${advice}` };
  }
  const desired = (wanted('count') ?? now.count) as number;
  const isCounted = wanted('count') !== undefined || !now.enabled || unanswered >= now.count;
  const count = isCounted ? countOf(desired, now, unanswered) : now.count;
  if (unanswered >= count) return { why: `${unanswered} probes are unanswered, more than a count may be: ${advice}` };
  const others = list.filter(({ field }) => field !== 'count' && (field !== 'userTimeout' || userTimeout === 0));
  const isAsWanted = count === desired && others.length === list.filter(({ field }) => field !== 'count').length;
  if (count === now.count) return { list: others, isAsWanted };
  // Set before the user timeout is removed, with which the kernel ignores the count.
  const first: Assignment = { option: linux.count, value: count, field: 'count', state: count };
  return { list: [first, ...others], isAsWanted };
}
