import { ConfigurationError } from '../configuration-error.js';
import { type KeepAliveState, settingsKey } from '../settings.js';
import { idleDetection, inFlightDetection, probeTime } from './detection-time.js';

/**
 * The audit's verdict on a connection: whether its kernel would notice in time that the peer has vanished, in the
 * connection's present state.
 *
 * - `protected`: within the limit, at the latest.
 * - `slow`: later than the limit. A connection with data in flight and no user timeout is `slow` too: until the data is
 *   acknowledged keepalive is silent, and only `tcp_retries2` ends the connection.
 * - `exposed`: a middlebox that was named can forget the connection before the first probe. Not without a middlebox.
 * - `unprotected`: keepalive is off, so that a quiet connection would never notice.
 */
export type Verdict = 'protected' | 'slow' | 'exposed' | 'unprotected';

/** The verdicts, the worst last. */
export const verdicts: readonly Verdict[] = ['protected', 'slow', 'exposed', 'unprotected'];

/**
 * Returns whether a verdict is meant by those that a filter names. `exposed` means `unprotected` connections too: a middlebox
 * forgets them as well, because no probe comes at all.
 */
export function isVerdictMeant(verdict: Verdict | null, named: readonly Verdict[]): boolean {
  if (verdict === null) return false;
  return named.includes(verdict) || (verdict === 'unprotected' && named.includes('exposed'));
}

/** The part of a connection's state that decides when its kernel notices that the peer has vanished. */
export interface Transfer {
  /** Whether anything is unacknowledged, or not sent yet. Default: false. */
  readonly isInFlight?: boolean;
  /** Whether the peer's window is closed, so that the kernel sends window probes. Default: false. */
  readonly isWindowClosed?: boolean;
  /** The retransmission timeout before the first retransmission, in milliseconds. Default: that of a fast path. */
  readonly rtoMs?: number;
  /** The sysctl `net.ipv4.tcp_retries2`; `null` if it could not be read. Default: 15. */
  readonly retries2?: number | null;
}

/** The latest times at which the kernel notices that the peer has vanished, in milliseconds. */
export interface Detection {
  /** With nothing in flight, from the peer's last segment; `Infinity` with keepalive off. */
  readonly quietMs: number;
  /** With data in flight, from its transmission; `null` if `tcp_retries2` decides and could not be read. */
  readonly inFlightMs: number | null;
}

/** A connection's detection times and its verdict. */
export interface Judgement {
  readonly detection: Detection;
  /** `null` if the time that decides the verdict is not known. */
  readonly verdict: Verdict | null;
  /** The latest time of the first probe after the last packet, in milliseconds; only of a judge with a middlebox. */
  readonly firstProbeMs?: number;
}

/** The default limit, in milliseconds. */
export const defaultWithinMs = 60_000;

function quietMsOf(state: KeepAliveState): number {
  return state.enabled ? idleDetection(state).latestMs : Number.POSITIVE_INFINITY;
}

function inFlightMsOf(state: KeepAliveState, transfer: Transfer): number | null {
  const { retries2 = 15 } = transfer;
  if (!state.userTimeout && retries2 === null) return null;
  return inFlightDetection(state, { ...transfer, retries2: retries2 ?? 0 }).latestMs;
}

/** @throws {ConfigurationError} if the limit is no number: text such as '60s' would make no connection protected. */
function assertLimit(source: string, withinMs: unknown): void {
  if (typeof withinMs === 'number' && withinMs > 0) return;
  throw new ConfigurationError(source, 'withinMs', withinMs, 'a number of milliseconds above 0, such as 60000');
}

function verdictWithin(enabled: boolean, detectedMs: number | null, withinMs: number): Verdict | null {
  if (!enabled) return 'unprotected';
  if (detectedMs === null) return null;
  return detectedMs <= withinMs ? 'protected' : 'slow';
}

/**
 * Judges a connection by the latest time at which its kernel would notice that the peer has vanished.
 *
 * `withinMs` is the limit in milliseconds. Default: 60 s. `transfer` describes data in flight. Default: none. Takes any
 * value that a kernel can hold, also values that `setKeepAlive` refuses: sysctls have wider limits than socket options.
 * Returns `null` only with data in flight, no user timeout and `retries2: null`.
 *
 * @example
 * verdictOf({ enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: 0 }); // 'protected'
 */
export function verdictOf(state: KeepAliveState, withinMs?: number): Verdict;
export function verdictOf(state: KeepAliveState, withinMs: number | undefined, transfer: Transfer): Verdict | null;
export function verdictOf(state: KeepAliveState, withinMs = defaultWithinMs, transfer: Transfer = {}): Verdict | null {
  assertLimit('verdictOf', withinMs);
  const detectedMs = transfer.isInFlight ? inFlightMsOf(state, transfer) : quietMsOf(state);
  return verdictWithin(state.enabled, detectedMs, withinMs);
}

/** Judges connections. */
export type Judge = (state: KeepAliveState, transfer?: Transfer) => Judgement;

/** So many results are remembered at most. */
const remembered = 32;

/** Returns the result of a key, computed once, of recent keys. */
function recall<Result>(known: Map<string, Result>, key: string, compute: () => Result): Result {
  const result = known.get(key);
  if (result !== undefined) return result;
  if (known.size >= remembered) known.clear();
  const computed = compute();
  known.set(key, computed);
  return computed;
}

/** The detection times of connections with the same numbers. */
class StateDetection {
  readonly quietMs: number;
  readonly firstProbeMs: number;
  readonly #state: KeepAliveState;
  readonly #inFlight = new Map<string, { readonly ms: number | null }>();

  constructor(state: KeepAliveState) {
    this.#state = state;
    this.quietMs = quietMsOf(state);
    this.firstProbeMs = state.enabled ? probeTime(state).latestMs : Number.POSITIVE_INFINITY;
  }

  inFlightMs(transfer: Transfer): number | null {
    const { isWindowClosed, rtoMs, retries2 } = transfer;
    const key = `${isWindowClosed} ${rtoMs} ${retries2}`;
    return recall(this.#inFlight, key, () => ({ ms: inFlightMsOf(this.#state, transfer) })).ms;
  }
}

/**
 * Returns a {@link Judge} that remembers its results, because most connections have the same few options.
 *
 * @param behindMs The idle timeout of a middlebox on the path, in milliseconds. Default: none.
 */
export function createJudge(withinMs = defaultWithinMs, behindMs?: number): Judge {
  assertLimit('query', withinMs);
  const known = new Map<string, StateDetection>();
  let last: { readonly state: KeepAliveState; readonly of: StateDetection } | undefined;
  return (state, transfer = {}) => {
    if (last?.state !== state) last = { state, of: recall(known, settingsKey(state), () => new StateDetection(state)) };
    const { quietMs, firstProbeMs } = last.of;
    const detection = { quietMs, inFlightMs: last.of.inFlightMs(transfer) };
    const detectedMs = transfer.isInFlight ? detection.inFlightMs : quietMs;
    const verdict = verdictWithin(state.enabled, detectedMs, withinMs);
    if (behindMs === undefined) return { detection, verdict };
    const isExposed = state.enabled && firstProbeMs >= behindMs;
    return { detection, verdict: isExposed ? 'exposed' : verdict, firstProbeMs };
  };
}
