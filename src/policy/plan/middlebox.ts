/**
 * How sure the facts about a middlebox are.
 *
 * - `confirmed`: read in the documentation or source of its maker.
 * - `secondary`: read elsewhere, such as in an issue or a forum.
 * - `unconfirmed`: no source was found.
 * - `given`: the caller named a duration.
 */
export type Sureness = 'confirmed' | 'secondary' | 'unconfirmed' | 'given';

/**
 * What a packet meets after the idle timeout.
 *
 * - `silent`: it is dropped.
 * - `reset`: it is answered with RST.
 * - `closes`: the middlebox has closed the connection.
 */
export type Expiry = 'silent' | 'reset' | 'closes' | 'unknown';

/** How an idle timeout is set, and its range in milliseconds if that is known. */
export interface SettableTimeout {
  /** The name of the setting. */
  readonly by?: string;
  readonly leastMs?: number;
  readonly mostMs?: number;
}

/** A device or program on the path that forgets a TCP connection after an idle time. */
export interface Middlebox {
  /** A name such as `aws-nlb`, or the duration that was given. */
  readonly name: string;
  readonly title: string;
  /** The default idle timeout of an established connection, in milliseconds; `null` if there is no single one. */
  readonly timeoutMs: number | null;
  /** `false` if the timeout is fixed, `null` if not known. */
  readonly settable: SettableTimeout | false | null;
  readonly onExpiry: Expiry;
  /** Whether a keepalive probe counts as traffic; `false` for a proxy that terminates TCP, `null` if not known. */
  readonly keepAliveCounts: boolean | null;
  readonly sure: Sureness;
  readonly source: string;
  /** The date of the source, or since when the facts hold: `2025-06`. */
  readonly date?: string;
  readonly note?: string;
}

/** What text says after a fact of each sureness. */
export const surenessMarks: Readonly<Record<Sureness, string>> = {
  confirmed: '',
  secondary: ' (from a secondary source)',
  unconfirmed: ' (unconfirmed)',
  given: '',
};
