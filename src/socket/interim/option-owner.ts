import { bottomOf, type Handle } from '../../node/handle.js';
import { threadMap } from '../../node/thread-map.js';
import { type OptionWrite, optionFields } from '../option-writes.js';
import type { DeferredOptions, InForce, KeepAliveState } from '../state.js';
import { wantedState } from './change-options.js';
import { deferredOptions } from './deferred-options.js';

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

/** Returns the options of the program that differ from the options in force; undefined if there are none. */
export function unwatchedOptions(program: KeepAliveState, inForce: KeepAliveState): DeferredOptions | undefined {
  const later = optionFields.filter((field) => program[field] !== inForce[field]);
  if (later.length === 0) return undefined;
  return { until: 'unwatched', ...Object.fromEntries(later.map((field) => [field, program[field]])) };
}

/** Returns the deferred options of a connection; undefined if there are none. */
export function deferredFor(handle: Handle, inForce: KeepAliveState): DeferredOptions | undefined {
  const bottom = bottomOf(handle);
  const owner = optionOwners.get(bottom);
  if (owner !== undefined) return unwatchedOptions(owner.program, inForce);
  const later = deferredOptions(bottom);
  return later && { until: 'answered', ...later };
}

/** Returns the options that the program has set on a connection, even if an owner has others in force. */
export function programState(handle: Handle, fd: number): KeepAliveState {
  const bottom = bottomOf(handle);
  return optionOwners.get(bottom)?.program ?? wantedState(bottom, fd);
}
