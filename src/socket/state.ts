import type { KeepAliveState } from '../policy/settings.js';

export type { KeepAliveState } from '../policy/settings.js';

/** The result of `getKeepAlive`; for a target without a descriptor, the future state of the target or its connections. */
export type KeepAliveAnswer = KeepAliveState & Pick<AppliedKeepAlive, 'pending' | 'connections'>;

/** Options that were requested and are not in force yet, and the event that puts them in force. */
export interface DeferredOptions extends Partial<KeepAliveState> {
  /**
   * `'answered'`: the peer has left something unanswered. A smaller count and a user timeout count from now on: they are
   * set when the peer has answered. `'unwatched'`: a watch with `deadWithin` has options of its own in force, and sets
   * these when it ends or when the connection is not in use.
   */
  readonly until: 'answered' | 'unwatched';
}

type Numbers = Omit<KeepAliveState, 'enabled'>;

/** The numbers of a state; `null` is a number that is not part of the policy and cannot be read here. */
type Settings = { readonly [Field in keyof Numbers]: Numbers[Field] | null };

/** What `setKeepAlive` brought about, and where that is not plainly on the target's own descriptor, where it is. */
export interface AppliedKeepAlive extends Settings {
  readonly enabled: boolean;
  /**
   * Servers only. `'inherited'`: the options are on the listener and the kernel hands them to every accepted
   * connection. `'set-on-accept'`: they are set on each connection as it is accepted, because this listener cannot
   * pass them on (macOS, the BSDs, Windows; a cluster worker under round-robin; a server created with `keepAlive`).
   */
  readonly connections?: 'inherited' | 'set-on-accept';
  /** `true` when the target has no descriptor yet: what is stated is set the moment it has one. */
  readonly pending?: true;
  /** Options that are set later; all other requested options are in force. Linux. */
  readonly deferred?: DeferredOptions;
  /**
   * `false` if the values were not read back: there is no way to do so here, or the connection is one of those of
   * `applyToProcess` that are not asked for theirs.
   */
  readonly readBack?: false;
}
