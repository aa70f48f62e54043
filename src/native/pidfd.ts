import { codeOfErrno, SystemCallError } from './errors.js';
import { libc } from './libc.js';
import { linuxCalls, pidfdGetfdNumber, pidfdOpenNumber } from './linux-calls.js';
import { OwnedDescriptor } from './owned-descriptor.js';

const explanations: Readonly<Record<string, string>> = {
  ESRCH: 'the process has ended',
  EBADF: 'the process has closed the descriptor',
  EPERM:
    'copying a descriptor of the process takes CAP_SYS_PTRACE, or the same user, a process that may be dumped and ' +
    'kernel.yama.ptrace_scope 0',
  ENOSYS: 'this kernel does not have the call: pidfd_open came with Linux 5.3, pidfd_getfd with 5.6',
};

function opened(fd: number, syscall: string, what: string): OwnedDescriptor {
  if (fd >= 0) return new OwnedDescriptor(fd, what);
  const code = codeOfErrno(libc().errno());
  throw new SystemCallError(syscall, code, explanations[code] ?? 'the kernel refused it');
}

/**
 * Opens a process, so that its number cannot come to mean another one.
 *
 * @throws {SystemCallError} ESRCH when it has ended, ENOSYS before Linux 5.3.
 */
export function openProcess(pid: number): OwnedDescriptor {
  return opened(linuxCalls().pidfdOpen(pidfdOpenNumber, pid, 0), 'pidfd_open', `process ${pid}`);
}

/**
 * Copies a descriptor of another process. The copy is the same open file: its status flags, such as O_NONBLOCK, are
 * shared, and must not be changed through it.
 *
 * @throws {SystemCallError} EBADF when the process has closed it, ESRCH when it has ended, EPERM where that is not
 * permitted (ptrace(2), PTRACE_MODE_ATTACH_REALCREDS), ENOSYS before Linux 5.6.
 */
export function copyDescriptor(process: OwnedDescriptor, fd: number): OwnedDescriptor {
  return opened(linuxCalls().pidfdGetfd(pidfdGetfdNumber, process.fd, fd, 0), 'pidfd_getfd', `descriptor ${fd}`);
}
