import type { KeepAliveState } from '../policy/settings.js';

export type { KeepAliveState } from '../policy/settings.js';

/** A state of which a number is `null` if nobody stated the number and it cannot be read. */
export type StatedKeepAlive = { readonly [Field in keyof KeepAliveState]: KeepAliveState[Field] | null } & {
  readonly enabled: boolean;
};

/** Options that were requested and are not in force yet, and the event that puts them in force. */
export interface DeferredOptions extends Partial<KeepAliveState> {
  /**
   * `'answered'`: the peer has left something unanswered. A smaller count and a user timeout count from now on: they are
   * set when the peer has answered. `'unwatched'`: a watch with `deadWithin` has options of its own in force, and sets
   * these when it ends or when the connection is not in use.
   */
  readonly until: 'answered' | 'unwatched';
}

/** The options are in force, as the kernel says. */
export interface InForce extends KeepAliveState {
  readonly status?: undefined;
  readonly readBack?: undefined;
  /** Options that are set later; all other requested options are in force. Linux. */
  readonly deferred?: DeferredOptions;
}

/** The target has no descriptor yet: what is stated is set the moment it has one. */
type Pending = StatedKeepAlive & {
  readonly status: 'pending';
  readonly readBack?: undefined;
  readonly deferred?: undefined;
  readonly connections?: undefined;
};

/**
 * The options were set, but not read back: there is no way to do so here (Windows, no FFI), or the connection is one of
 * those that `applyToProcess` does not ask.
 */
type NotReadBack = StatedKeepAlive & {
  readonly status?: undefined;
  readonly readBack: false;
  readonly deferred?: undefined;
};

/** The result of {@link setKeepAlive} for a connection. On Linux, only a pending state can have `null`. */
export type SocketKeepAlive = InForce | Pending | NotReadBack;

/** The listener has the options, and the kernel hands them to each accepted connection. */
interface Inherited extends KeepAliveState {
  readonly status?: undefined;
  readonly connections: 'inherited';
}

/**
 * The options are set on each connection as it is accepted, because the listener cannot pass them on (macOS, the BSDs,
 * Windows; a cluster worker under round-robin; a server created with `keepAlive`).
 */
type SetOnAccept = StatedKeepAlive & { readonly status?: undefined; readonly connections: 'set-on-accept' };

/** The result of {@link setKeepAlive} for a server: `connections` says how connections get the options. */
export type ServerKeepAlive = Inherited | SetOnAccept | Pending;
