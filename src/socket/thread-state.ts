import type { PlannedPolicy } from './planned-state.js';
import { sharedInThread } from './thread-map.js';

/** The wrappers of one copy of this package. */
export interface Installation {
  install(): void;
  remove(): void;
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
  /** The process warnings that were emitted. */
  readonly warnings: Set<string>;
  /** What programs set with `setKeepAlive` of this package, by socket, server and handle. */
  readonly explicit: WeakMap<object, PlannedPolicy>;
  /** The prototype of TCP handles, and the symbol under which they have their owner. */
  tcp: { readonly prototype: object; readonly owner: symbol } | undefined;
}

/** The state that all copies of this package in this thread share. */
export const threadState = sharedInThread<ThreadState>('1', () => ({
  policies: [],
  active: undefined,
  endRegistered: undefined,
  warnings: new Set(),
  explicit: new WeakMap(),
  tcp: undefined,
}));
