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

function owned(fd: number, syscall: string, what: string): OwnedDescriptor {
  if (fd >= 0) return new OwnedDescriptor(fd, what);
  const code = codeOfErrno(libc().errno());
  throw new SystemCallError(syscall, code, explanations[code] ?? 'the kernel refused the call');
}

/**
 * Opens a process. The descriptor never stands for another process, even if the kernel reuses the number.
 *
 * @throws {SystemCallError} ESRCH if the process has ended, ENOSYS before Linux 5.3.
 */
export function openProcess(pid: number): OwnedDescriptor {
  return owned(linuxCalls().pidfdOpen(pidfdOpenNumber, pid, 0), 'pidfd_open', `process ${pid}`);
}

/**
 * Copies a descriptor of another process. Do not change status flags of the copy, such as O_NONBLOCK: the process shares
 * the open file and its flags.
 *
 * @throws {SystemCallError} EBADF if the process has closed the descriptor, ESRCH if the process has ended, EPERM without
 * permission (ptrace(2), PTRACE_MODE_ATTACH_REALCREDS), ENOSYS before Linux 5.6.
 */
export function copyDescriptor(process: OwnedDescriptor, fd: number): OwnedDescriptor {
  return owned(linuxCalls().pidfdGetfd(pidfdGetfdNumber, process.fd, fd, 0), 'pidfd_getfd', `descriptor ${fd}`);
}
