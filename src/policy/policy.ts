/** A number of milliseconds, or text with units: `'500ms'`, `'30s'`, `'5m'`, `'1h30m'`. */
export type Duration = number | string;

/**
 * What a connection's keepalive is to be.
 *
 * `undefined` leaves a field as it is; `'system'` asks for the kernel's default at this moment.
 * Numbers are milliseconds, but the kernel keeps `idle` and `interval` in whole seconds.
 */
export interface KeepAlivePolicy {
  /**
   * `false` turns keepalive off, and sets the numbers for when it is turned on. `true` turns keepalive on.
   * Default: `true`. An object with `enabled`, idle, interval, count and user timeout is a state, which is restored as a whole.
   */
  readonly enabled?: boolean | undefined;
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
  /**
   * Longest time between two retransmissions: 1 s to 120 s, in steps of 100 ms. A smaller one ends a connection sooner whose
   * peer vanishes with data in flight, if there is no user timeout: with 5 s after about a minute instead of a quarter of
   * an hour. Linux 6.15 (TCP_RTO_MAX_MS).
   */
  readonly rtoMax?: Duration | 'system' | undefined;
}

/** A policy, or its text: `'30:5:3:auto'`, `'30s:5s:3'`. */
export type PolicyInput = string | KeepAlivePolicy;

/** The name of a number of a policy. */
export type SettingField = Exclude<keyof KeepAlivePolicy, 'enabled'>;

/** What a number can be; durations in milliseconds. */
interface Limits {
  readonly min: number;
  readonly max: number;
  /** The kernel keeps multiples of this as they are. */
  readonly step: number;
  /** How an error says what is allowed. */
  readonly allowed: string;
  /** The value that a state leaves out: that of each kernel which lacks the option. Default: a state has every value. */
  readonly unstated?: number;
}

const seconds = { min: 1000, max: 32_767_000, step: 1000, allowed: 'a whole number of seconds from 1 s to 32767 s' };

/**
 * What `setsockopt` accepts for each number of a policy: the table that everything derives from. From the kernel's
 * include/net/tcp.h (since 2.4):
 *
 *     #define MAX_TCP_KEEPIDLE   32767
 *     #define MAX_TCP_KEEPINTVL  32767
 *     #define MAX_TCP_KEEPCNT    127
 *
 * and for TCP_USER_TIMEOUT any non-negative int (net/ipv4/tcp.c, since 2.6.37). TCP_RTO_MAX_MS (since 6.15) takes MSEC_PER_SEC
 * to TCP_RTO_MAX_SEC * MSEC_PER_SEC, and is rounded up to whole jiffies, of which 100 ms are a whole number.
 */
export const limits: Readonly<Record<SettingField, Limits>> = {
  idle: seconds,
  interval: seconds,
  count: { min: 1, max: 127, step: 1, allowed: 'a whole number from 1 to 127' },
  userTimeout: {
    min: 0,
    max: 2 ** 31 - 1,
    step: 1,
    allowed: "0 (off) to 2147483647 ms, in whole milliseconds, or 'auto'",
  },
  rtoMax: { min: 1000, max: 120_000, step: 100, allowed: '1 s to 120 s, in steps of 100 ms', unstated: 120_000 },
};

/** The numbers that keepalive alone needs. */
type KeepAliveField = 'idle' | 'interval' | 'count';

/** A policy that says all that keepalive needs, in milliseconds; other numbers are left as they are if missing. */
export type CompletePolicy = Readonly<
  Record<KeepAliveField, number> & Partial<Record<Exclude<SettingField, KeepAliveField>, number>>
>;

/** A validated policy: every field is in milliseconds and within the kernel's limits, `'system'`, or to be left alone. */
export type ValidPolicy = { readonly [Field in SettingField]?: number | 'system' | undefined } & {
  /**
   * `false` turns keepalive off. A state always has this field, and its numbers can be beyond the limits: only the numbers that
   * differ from a connection's own are set.
   */
  readonly enabled?: boolean;
};

/** Returns whether a policy turns keepalive off. */
export function isOff(policy: ValidPolicy | false): policy is false | (ValidPolicy & { readonly enabled: false }) {
  return policy === false || policy.enabled === false;
}
