import { idleDetection } from './detection-time.js';

/**
 * What the audit says of a connection: whether a peer that vanishes while nothing is in flight would be noticed in time.
 *
 * - `protected`: within the limit, at the latest.
 * - `slow`: later than the limit.
 * - `unprotected`: never, because keepalive is off.
 */
export type Verdict = 'protected' | 'slow' | 'unprotected';

/** A connection's keepalive as the kernel has it, in milliseconds. */
export interface VerdictInput {
  readonly enabled: boolean;
  readonly idle: number;
  readonly interval: number;
  readonly count: number;
  /** 0 and `null`: none. */
  readonly userTimeout: number | null;
}

/** The limit unless stated, in milliseconds. */
export const defaultWithinMs = 60_000;

/**
 * Judges a connection by the latest time at which its kernel would notice that an idle peer is gone.
 *
 * `withinMs` is the limit in milliseconds, 60 s unless stated. Takes any values that a kernel holds, also those that
 * `setKeepAlive` refuses: sysctls reach further than socket options.
 */
export function verdictOf(state: VerdictInput, withinMs = defaultWithinMs): Verdict {
  if (!state.enabled) return 'unprotected';
  const { idle, interval, count } = state;
  const { latestMs } = idleDetection({ idle, interval, count, userTimeout: state.userTimeout ?? 0 });
  return latestMs <= withinMs ? 'protected' : 'slow';
}

const remembered = 32;

/** {@link verdictOf} for many connections, few of which differ: it remembers the settings that it has judged. */
export function createJudge(withinMs = defaultWithinMs): (state: VerdictInput) => Verdict {
  const known: { readonly state: VerdictInput; readonly verdict: Verdict }[] = [];
  return (state) => {
    for (const { state: other, verdict } of known) {
      const isSame =
        other.idle === state.idle &&
        other.interval === state.interval &&
        other.count === state.count &&
        other.enabled === state.enabled &&
        other.userTimeout === state.userTimeout;
      if (isSame) return verdict;
    }
    const verdict = verdictOf(state, withinMs);
    if (known.length < remembered) known.push({ state: { ...state }, verdict });
    return verdict;
  };
}
