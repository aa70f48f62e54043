/** A number of milliseconds, or text with a unit: `'500ms'`, `'30s'`, `'5m'`, `'2h'`. */
export type Duration = number | string;

/**
 * What a connection's keepalive is to be.
 *
 * `undefined` leaves a field as it is; `'system'` asks for the kernel's default at this moment.
 * Numbers are milliseconds, but the kernel keeps `idle` and `interval` in whole seconds.
 */
export interface KeepAlivePolicy {
  /** Quiet time before the first probe: 1 s to 32767 s. */
  readonly idle?: Duration | 'system' | undefined;
  /** Time between unanswered probes: 1 s to 32767 s. */
  readonly interval?: Duration | 'system' | undefined;
  /** Unanswered probes after which the peer is dead: 1 to 127. */
  readonly count?: number | 'system' | undefined;
  /**
   * How long sent data may stay unacknowledged: 0 (off) to 2147483647 ms; `'auto'` is idle + interval x count.
   * On Linux it also replaces `count` for an idle connection.
   */
  readonly userTimeout?: Duration | 'auto' | 'system' | undefined;
}

/** A policy, or its text: `'30:5:3'`, `'30s:5s:3'`, `'30:5:3:auto'`. */
export type PolicyInput = string | KeepAlivePolicy;

/** A policy read from text: milliseconds throughout; without a fourth field the user timeout is left as it is. */
export interface ParsedPolicy {
  readonly idle: number;
  readonly interval: number;
  readonly count: number;
  readonly userTimeout?: number;
}

/** A validated policy: every field is in milliseconds and within the kernel's limits, `'system'`, or to be left alone. */
export interface ValidPolicy {
  readonly idle: number | 'system' | undefined;
  readonly interval: number | 'system' | undefined;
  readonly count: number | 'system' | undefined;
  readonly userTimeout: number | 'system' | undefined;
}
