import { bottomOf, type Handle } from '../../node/handle.js';
import { threadMap } from '../../node/thread-map.js';
import type { OptionWrite } from '../option-writes.js';
import type { InForce, KeepAliveState } from '../state.js';
import { wantedState } from './change-options.js';

/** Has options of its own in force on a connection, and keeps the options that the program sets meanwhile. */
export interface OptionOwner {
  /** The options that the program has set. */
  readonly program: KeepAliveState;
  /** Keeps options for the program. Returns the options in force, and those that are set later. */
  setForProgram(fd: number, list: readonly OptionWrite[]): InForce;
  /** Prepares for a call of Node.js that sets keepalive. */
  beforeCall(): void;
  /** Adopts the options that the call has set. */
  afterCall(): void;
  /** Restores the program's options, and ends the ownership. */
  restore(): void;
}

/** The owners, by the handle that has the descriptor. Most connections have none: their options are the program's. */
export const optionOwners = threadMap<Handle, OptionOwner>('option-owners/1');

/** Returns the options that the program has set on a connection, even if an owner has others in force. */
export function programState(handle: Handle, fd: number): KeepAliveState {
  const bottom = bottomOf(handle);
  return optionOwners.get(bottom)?.program ?? wantedState(bottom, fd);
}
