import { codeOfErrno, SystemCallError } from './errors.js';
import { libc } from './libc.js';
import { linuxCalls } from './linux-calls.js';
import { OwnedDescriptor } from './owned-descriptor.js';

/** include/uapi/linux/sched.h (since Linux 2.6.24) */
const CLONE_NEWNET = 0x40000000;

/** include/uapi/asm-generic/fcntl.h: without O_NONBLOCK a path to a FIFO would wait for a writer. */
const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;

/** The network namespace of the main thread. /proc/thread-self is there since Linux 3.17. */
export const ownNamespacePath = '/proc/thread-self/ns/net';

const openExplanations: Readonly<Record<string, string>> = {
  ENOENT: 'is gone: the process has ended or the name was removed',
  EACCES: 'may not be opened: it belongs to another user, which takes CAP_SYS_PTRACE',
  EPERM: 'may not be opened: it belongs to another user, which takes CAP_SYS_PTRACE',
  ELOOP: 'is a loop of symbolic links',
  EMFILE: 'could not be opened: this process has no descriptor left',
};

const enterExplanations: Readonly<Record<string, string>> = {
  EPERM: 'may not be entered: that takes CAP_SYS_ADMIN, here and in the user namespace that owns it',
  EINVAL: 'is not a network namespace',
};

function openNamespace(path: string): OwnedDescriptor {
  const fd = linuxCalls().open(path, O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0) return new OwnedDescriptor(fd, `network namespace ${path}`);
  const code = codeOfErrno(libc().errno());
  throw new SystemCallError('open', code, `${path} ${openExplanations[code] ?? 'could not be opened'}`);
}

function enter(namespace: OwnedDescriptor, path: string): void {
  if (linuxCalls().setns(namespace.fd, CLONE_NEWNET) === 0) return;
  const code = codeOfErrno(libc().errno());
  throw new SystemCallError('setns', code, `${path} ${enterExplanations[code] ?? 'could not be entered'}`);
}

/**
 * Runs `action` with the main thread in another network namespace, which is a path such as /run/netns/NAME or the id
 * of a process in it, and comes back also when `action` throws.
 *
 * `action` must be synchronous: whatever else runs on this thread would run there too. A socket that it opens stays in
 * that namespace.
 *
 * @throws {SystemCallError} EPERM and EACCES name the capability that is missing, ENOENT is a namespace that is gone.
 */
export function inNetworkNamespace<Result>(target: string | number, action: () => Result): Result {
  const path = typeof target === 'number' ? `/proc/${target}/ns/net` : target;
  const own = openNamespace(ownNamespacePath);
  try {
    const other = openNamespace(path);
    try {
      enter(other, path);
    } finally {
      other.close();
    }
    try {
      return action();
    } finally {
      enter(own, ownNamespacePath);
    }
  } finally {
    own.close();
  }
}
