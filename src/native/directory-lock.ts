import { constants } from 'node:fs';
import { codeOfErrno, SystemCallError } from './errors.js';
import { libc } from './libc.js';
import { checked, linuxCalls } from './linux-calls.js';
import { OwnedDescriptor } from './owned-descriptor.js';
import { pause } from './pause.js';

/** The flag differs by architecture. */
const { O_DIRECTORY } = constants;

/** include/uapi/asm-generic/fcntl.h */
const O_CLOEXEC = 0o2000000;

/** include/uapi/asm-generic/fcntl.h, for flock(2) */
const LOCK_EX = 2;
const LOCK_NB = 4;

const betweenAttemptsMs = 20;

/**
 * Runs `action` with an exclusive lock on a directory. The kernel releases the lock whenever and however this process ends.
 *
 * @throws {SystemCallError} EAGAIN if another process holds the lock for longer than `withinMs`, or the kernel's code if the
 * directory cannot be opened.
 */
export function withDirectoryLock<Result>(directory: string, withinMs: number, action: () => Result): Result {
  const opened = linuxCalls().open(directory, O_DIRECTORY | O_CLOEXEC);
  using lock = new OwnedDescriptor(checked(opened, `open(${directory})`, 'it could not be opened'), directory);
  const deadline = performance.now() + withinMs;
  while (linuxCalls().flock(lock.fd, LOCK_EX | LOCK_NB) !== 0) {
    const code = codeOfErrno(libc().errno());
    if (code !== 'EINTR' && (code !== 'EAGAIN' || performance.now() > deadline)) {
      throw new SystemCallError(`flock(${directory})`, code, 'the directory could not be locked: run this again later');
    }
    pause(betweenAttemptsMs);
  }
  return action();
}
