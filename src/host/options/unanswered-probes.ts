import { isWindowProbed, retransmittingMsOf } from '../../peer/snapshot.js';
import { limits } from '../../policy/policy.js';
import type { OptionWrite } from '../../socket/option-writes.js';
import { linux } from '../../socket/platforms/linux.js';
import type { KeepAliveState } from '../../socket/state.js';
import type { TcpInfo } from '../../wire/tcp-info/decode.js';

/** The writes for a connection whose peer has left probes unanswered, or why nothing can be set. */
export type AdaptedWrites =
  | { readonly list: readonly OptionWrite[]; readonly isAsWanted: boolean }
  | { readonly why: string };

const advice = 'set it again once the peer has answered, or as root, who can ask the peer';

function countOf(desired: number, now: KeepAliveState, unanswered: number): number {
  const count = Math.min(desired + unanswered, limits.count.max);
  // The addition of an earlier call stays until the peer answers. Else a dead peer would never be found dead.
  const isAdded = now.enabled && unanswered < now.count && desired < now.count && now.count <= count;
  return isAdded ? now.count : count;
}

/** Returns the number of probes or retransmissions that the peer has not answered. */
export function unansweredOf({ probes, retransmits }: TcpInfo): number {
  return Math.max(probes, retransmits);
}

/**
 * Returns the user timeout that may be set at most as early as now, in milliseconds; undefined if none may be.
 *
 * The kernel counts a user timeout from the first retransmission, or from the first probe of a closed window, even if the
 * peer answers these probes; the latter time cannot be read.
 *
 * @see Linux net/ipv4/tcp_timer.c, retransmits_timed_out, tcp_probe_timer
 */
function timeoutFromNowOn(wantedMs: number, info: TcpInfo): number | undefined {
  if (isWindowProbed(info)) return undefined;
  return Math.min(limits.userTimeout.max, Math.ceil(wantedMs + retransmittingMsOf(info)));
}

/** Changes a stricter user timeout so that it does not hold for what is in flight already. */
function adaptTimeout(list: readonly OptionWrite[], now: KeepAliveState, info: TcpInfo): readonly OptionWrite[] {
  const before = now.userTimeout ?? 0;
  const place = list.findIndex(({ field }) => field === 'userTimeout');
  const write = list[place];
  const wantedMs = Number(write?.state ?? 0);
  if (write === undefined || wantedMs === 0 || (before > 0 && wantedMs >= before)) return list;
  const ms = timeoutFromNowOn(wantedMs, info);
  if (ms === wantedMs) return list;
  const isLeftOut = ms === undefined || (before > 0 && ms >= before);
  return list.toSpliced(place, 1, ...(isLeftOut ? [] : [{ ...write, value: ms, state: ms }]));
}

/** Leaves a smaller rtoMax out while data are sent again: the kernel counts it from the first retransmission. */
function withoutShorterRtoMax(
  list: readonly OptionWrite[],
  now: KeepAliveState,
  info: TcpInfo,
): readonly OptionWrite[] {
  const isShorter = ({ field, value }: OptionWrite) => field === 'rtoMax' && value < (now.rtoMax ?? limits.rtoMax.max);
  return info.retransmits > 0 && list.some(isShorter) ? list.filter((write) => !isShorter(write)) : list;
}

/**
 * Changes what is to be set on a connection with unanswered probes or data, so that the kernel does not end it for what it
 * sent before: the count and the user timeout hold from now on. A user timeout is left out where one unanswered probe
 * makes it effective, and where the peer's window is closed.
 *
 * @param info The kernel's own numbers; `tcpi_probes` stays while keepalive is off.
 * @see Linux net/ipv4/tcp_timer.c, tcp_keepalive_timer
 */
export function adaptToUnanswered(list: readonly OptionWrite[], now: KeepAliveState, info: TcpInfo): AdaptedWrites {
  const timed = adaptTimeout(withoutShorterRtoMax(list, now, info), now, info);
  const adapted = adaptToProbes(timed, now, info.probes);
  return 'why' in adapted || timed === list ? adapted : { ...adapted, isAsWanted: false };
}

/** Adds unanswered probes to the count, and leaves a user timeout out. */
function adaptToProbes(list: readonly OptionWrite[], now: KeepAliveState, unanswered: number): AdaptedWrites {
  const wanted = (field: keyof KeepAliveState) => list.find((write) => write.field === field)?.state;
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
  const first: OptionWrite = { option: linux.count, value: count, field: 'count', state: count };
  return { list: [first, ...others], isAsWanted };
}
