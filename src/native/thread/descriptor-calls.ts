import { inodeOf } from '../inode.js';
import { whyNoLibc } from '../libc.js';
import { unacknowledgedBytes, unreadBytes } from '../socket/queued-bytes.js';
import { attachSocketFilter } from '../socket/socket-filter.js';
import {
  readBytesOption,
  readIntOption,
  readIntOptions,
  writeBytesOption,
  writeIntOption,
  writeIntOptions,
} from '../socket/socket-options.js';

const calls = {
  attachSocketFilter,
  readBytesOption,
  readIntOption,
  readIntOptions,
  unacknowledgedBytes,
  unreadBytes,
  writeBytesOption,
  writeIntOption,
  writeIntOptions,
};

/** The calls on a descriptor that the native thread makes for a worker. */
export type DescriptorCalls = typeof calls;

/**
 * Makes a call on a descriptor of another thread.
 *
 * The other thread waits for the reply, so the descriptor stays open, unless the thread is terminated: then the number can
 * become another socket's. The inode shows a change, and a call on a changed descriptor fails with EBADF.
 */
function callOn(inode: number, name: keyof DescriptorCalls, fd: number, ...args: unknown[]): unknown {
  const isOpen = inode >= 0 && inodeOf(fd) === inode;
  return Reflect.apply(calls[name], undefined, [isOpen ? fd : -1, ...args]);
}

/** The functions that a worker calls without naming a module. */
export const descriptorFunctions: Readonly<Record<string, (...args: never[]) => unknown>> = { callOn, whyNoLibc };
