import { sharedInThread } from '../node/thread-map.js';
import type { ValidPolicy } from '../policy/policy.js';
import type { PlannedPolicy } from './planned-state.js';

/** The wrappers of one copy of this package. */
export interface Installation {
  install(): void;
  remove(): void;
  /**
   * Returns the policy that a new connection has in the numbers that its program leaves out: `null` if that depends on the
   * connection, undefined if there is none.
   */
  policyOfNew?(): ValidPolicy | null | undefined;
}

/**
 * The state that all copies and versions of this package in a thread share. A test runner such as jest evaluates the
 * package anew for each file, with the same `node:net`. Later versions may add fields, but must not change any.
 */
interface ThreadState {
  /** One entry for each policy in force. The installation of the last one has its wrappers in place. */
  readonly policies: { readonly installation: Installation }[];
  active: Installation | undefined;
  /** Ends the policy of `register`: a second evaluation of it replaces the first. */
  endRegistered: (() => void) | undefined;
  /** What programs set with `setKeepAlive` of this package, by socket, server and handle. */
  readonly explicit: WeakMap<object, PlannedPolicy>;
}

/** The state that all copies of this package in this thread share. */
export const threadState = sharedInThread<ThreadState>('1', () => ({
  policies: [],
  active: undefined,
  endRegistered: undefined,
  explicit: new WeakMap(),
}));
