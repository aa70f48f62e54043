import { SystemCallError } from '../../native/errors.js';
import type { OwnedDescriptor } from '../../native/owned-descriptor.js';
import { copyDescriptor, openProcess } from '../../native/pidfd.js';
import { readBytesOption, SO_COOKIE } from '../../native/socket/socket-options.js';
import type { Holder, SocketReference } from './source.js';

const reused = 'the descriptor is another one now: the socket was closed, and its number given out again';
const noHolder = 'no process is known that has it open';

/** Throws unless a descriptor is the socket that was meant. */
function confirmSocket(fd: number, cookie: bigint): void {
  let bytes: Uint8Array;
  try {
    bytes = readBytesOption(fd, SO_COOKIE, 8);
  } catch (error) {
    if (!(error instanceof SystemCallError) || error.code !== 'ENOTSOCK') throw error;
    throw new SystemCallError('getsockopt(SO_COOKIE)', 'ENOTSOCK', reused, error);
  }
  if (new DataView(bytes.buffer).getBigUint64(0, true) === cookie) return;
  throw new SystemCallError('getsockopt(SO_COOKIE)', 'ESTALE', reused);
}

/** Errors that say only that one process no longer has the socket; another process may have it. */
const gone = new Set(['EBADF', 'ENOTSOCK', 'ESTALE', 'ESRCH']);

/** Copies descriptors of one process after the other, with one process and one copy open at a time. */
export class Copies implements Disposable {
  /** The process that the last copy came from, or that refused it. */
  lastPid: number | undefined;
  #pid: number | undefined;
  #process: OwnedDescriptor | undefined;
  /** Why nothing can be copied from the process at all. */
  #refusal: unknown;

  /**
   * Returns a copy of the socket's descriptor, which the caller closes. Tries each process that has the socket: some have
   * it for a moment only, such as a child before it runs its program.
   *
   * @throws {SystemCallError} if no process gives a copy.
   */
  copy({ cookie, holders, unreachable }: SocketReference): OwnedDescriptor {
    let reason: SystemCallError | undefined;
    this.lastPid = undefined;
    for (const holder of holders) {
      try {
        const copy = this.#copyFrom(holder, cookie);
        this.lastPid = holder.pid;
        return copy;
      } catch (error) {
        if (!(error instanceof SystemCallError)) throw error;
        if (reason !== undefined && !gone.has(reason.code)) continue;
        reason = error;
        this.lastPid = holder.pid;
      }
    }
    if (reason !== undefined) throw reason;
    if (unreachable === undefined) throw new SystemCallError('pidfd_open', 'ESRCH', noHolder);
    throw new SystemCallError('readlink(/proc/PID/fd)', 'EACCES', unreachable);
  }

  #copyFrom({ pid, fd }: Holder, cookie: bigint): OwnedDescriptor {
    const copy = this.#copy(this.#open(pid), fd);
    try {
      confirmSocket(copy.fd, cookie);
    } catch (error) {
      copy.close();
      throw error;
    }
    return copy;
  }

  #open(pid: number): OwnedDescriptor {
    if (pid !== this.#pid) {
      this[Symbol.dispose]();
      this.#pid = pid;
      this.#refusal = undefined;
      try {
        this.#process = openProcess(pid);
      } catch (error) {
        this.#refusal = error;
      }
    }
    if (this.#process === undefined || this.#refusal !== undefined) throw this.#refusal;
    return this.#process;
  }

  #copy(process: OwnedDescriptor, fd: number): OwnedDescriptor {
    try {
      return copyDescriptor(process, fd);
    } catch (error) {
      // Only EBADF is about this descriptor alone.
      if (error instanceof SystemCallError && ['EPERM', 'ESRCH', 'ENOSYS'].includes(error.code)) this.#refusal = error;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#process?.close();
    this.#process = undefined;
  }
}

/** Returns the indices of a list, those of one process next to each other. */
export function byProcess(sockets: readonly SocketReference[]): Uint32Array {
  const pid = (index: number) => sockets[index]?.holders[0]?.pid ?? 0;
  return Uint32Array.from(sockets.keys()).sort((a, b) => pid(a) - pid(b));
}
