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

/**
 * What `setsockopt` accepts for each number of a policy; durations in milliseconds. From the kernel's include/net/tcp.h
 * (since 2.4):
 *
 *     #define MAX_TCP_KEEPIDLE   32767
 *     #define MAX_TCP_KEEPINTVL  32767
 *     #define MAX_TCP_KEEPCNT    127
 *
 * and for TCP_USER_TIMEOUT any non-negative int (net/ipv4/tcp.c, since 2.6.37). The kernel keeps multiples of `step` as they are.
 */
export const limits = {
  idle: { min: 1000, max: 32_767_000, step: 1000 },
  interval: { min: 1000, max: 32_767_000, step: 1000 },
  count: { min: 1, max: 127, step: 1 },
  userTimeout: { min: 0, max: 2 ** 31 - 1, step: 1 },
} as const satisfies Readonly<Record<keyof KeepAlivePolicy, object>>;

/** The name of a number of a policy. */
export type SettingField = keyof typeof limits;

/** The numbers that keepalive alone needs. */
type KeepAliveField = 'idle' | 'interval' | 'count';

/** A policy that says all that keepalive needs, in milliseconds; other numbers are left as they are if missing. */
export type ParsedPolicy = Readonly<
  Record<KeepAliveField, number> & Partial<Record<Exclude<SettingField, KeepAliveField>, number>>
>;

/** A validated policy: every field is in milliseconds and within the kernel's limits, `'system'`, or to be left alone. */
export type ValidPolicy = { readonly [Field in SettingField]?: number | 'system' | undefined };
