/** What a middlebox on the path does to a connection that stays quiet. */
export interface Exposure {
  /** The idle timeout of the middlebox, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * The latest time of the first probe after the last packet, in milliseconds; `Infinity` if keepalive is off, `null` if its
   * numbers are not known.
   */
  readonly firstProbeMs: number | null;
  /**
   * The time until the middlebox forgets the connection, in milliseconds; negative if the time is over. `null` if the first probe
   * comes in time, if data are in flight, for a listener, and if not known, such as after probes that may have come in time.
   */
  readonly dropInMs: number | null;
}

/**
 * Returns what a middlebox does to a connection.
 *
 * @param isLate Whether the first probe can come too late.
 * @param quietForMs The time since the last packet; `null` if there was none, or if not known.
 */
export function exposureOf(
  timeoutMs: number,
  firstProbeMs: number | null,
  isLate: boolean,
  quietForMs: number | null,
): Exposure {
  return { timeoutMs, firstProbeMs, dropInMs: isLate && quietForMs !== null ? timeoutMs - quietForMs : null };
}
