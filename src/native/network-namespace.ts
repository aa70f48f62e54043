import { KeepAliveError } from '../policy/keep-alive-error.js';
import { codeOfErrno, SystemCallError } from './errors.js';
import { libc } from './libc.js';
import { linuxCalls } from './linux-calls.js';
import { OwnedDescriptor } from './owned-descriptor.js';
import { pause } from './pause.js';

/** include/uapi/linux/sched.h (since Linux 2.6.24) */
const CLONE_NEWNET = 0x40000000;

/** include/uapi/asm-generic/fcntl.h: without O_NONBLOCK, opening a FIFO would wait for a writer. */
const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;

/** The path of this thread's network namespace, since Linux 3.17. */
export const ownNamespacePath = '/proc/thread-self/ns/net';

const openExplanations: Readonly<Record<string, string>> = {
  ENOENT: 'is gone: the process has ended or the name was removed',
  EACCES: 'may not be opened: it belongs to another user, which takes CAP_SYS_PTRACE',
  EPERM: 'may not be opened: it belongs to another user, which takes CAP_SYS_PTRACE',
  ELOOP: 'is a loop of symbolic links',
  EMFILE: 'could not be opened: this process has no descriptor left',
};

const enterExplanations: Readonly<Record<string, string>> = {
  EPERM: 'may not be entered: entering takes CAP_SYS_ADMIN, here and in the user namespace that owns it',
  EINVAL: 'is not a network namespace',
};

function openNamespace(path: string): OwnedDescriptor {
  const fd = linuxCalls().open(path, O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0) return new OwnedDescriptor(fd, `network namespace ${path}`);
  const code = codeOfErrno(libc().errno());
  throw new SystemCallError('open', code, `${path} ${openExplanations[code] ?? 'could not be opened'}`);
}

/** Enters a namespace. Returns the kernel's error code. Returns undefined if this thread is in the namespace now. */
function refusalOf(namespace: OwnedDescriptor): string | undefined {
  return linuxCalls().setns(namespace.fd, CLONE_NEWNET) === 0 ? undefined : codeOfErrno(libc().errno());
}

function enter(namespace: OwnedDescriptor, path: string): void {
  const code = refusalOf(namespace);
  if (code === undefined) return;
  throw new SystemCallError('setns', code, `${path} ${enterExplanations[code] ?? 'could not be entered'}`);
}

/**
 * Throws unless this thread may enter its own network namespace, as a return requires.
 *
 * In a user namespace a thread may enter network namespaces that were made there, but not always its own one
 * (net/core/net_namespace.c, `netns_install`).
 */
function assertReturnable(own: OwnedDescriptor): void {
  const code = refusalOf(own);
  if (code === undefined) return;
  const why = code === 'EPERM' ? 'returning takes CAP_SYS_ADMIN in the user namespace that owns it' : 'it failed';
  throw new SystemCallError('setns', code, `there would be no way back to ${ownNamespacePath}: ${why}`);
}

/**
 * Thrown if this thread could not return to its own network namespace, with the kernel's reason as `cause`.
 *
 * Every socket that the thread opens from now on would be in the wrong network: end the program.
 */
export class NamespaceReturnError extends KeepAliveError {
  override readonly name = 'NamespaceReturnError';
  readonly code = 'ERR_KEEPALIVE_NAMESPACE';
}

/** The error of a failed return to this thread's own network namespace. Each thread has its own copy of this module. */
let lost: NamespaceReturnError | undefined;

/** The return was possible before, so only a shortage such as ENOMEM can prevent the return, and a shortage may pass. */
const returnAttempts = 50;
const betweenReturnsMs = 20;

/** @throws {NamespaceReturnError} if this thread could not return to its own network namespace. */
export function assertOwnNamespace(): void {
  if (lost !== undefined) throw lost;
}

function returnTo(own: OwnedDescriptor): void {
  let code = refusalOf(own);
  for (let attempt = 1; code !== undefined && attempt < returnAttempts; attempt += 1) {
    pause(betweenReturnsMs);
    code = refusalOf(own);
  }
  if (code === undefined) return;
  const cause = new SystemCallError('setns', code, `${ownNamespacePath} could not be entered again`);
  lost = new NamespaceReturnError(
    `this thread is in another network namespace and cannot return to its own (${cause.message}): end the program`,
    { cause },
  );
  throw lost;
}

/**
 * Runs `action` with this thread in another network namespace, and returns even if `action` throws. `target` is a path such
 * as /run/netns/NAME, or the id of a process in the namespace. Checks before entering that the thread can return.
 *
 * `action` must be synchronous: other code of this thread would run in the namespace too. A socket that `action` opens
 * stays in the namespace.
 *
 * @throws {SystemCallError} EPERM or EACCES with the missing capability, ENOENT if the namespace is gone.
 * @throws {NamespaceReturnError} if the kernel refused the return nevertheless, and at each later call in this thread.
 */
export function inNetworkNamespace<Result>(target: string | number, action: () => Result): Result {
  assertOwnNamespace();
  const path = typeof target === 'number' ? `/proc/${target}/ns/net` : target;
  using own = openNamespace(ownNamespacePath);
  {
    using other = openNamespace(path);
    assertReturnable(own);
    enter(other, path);
  }
  try {
    return action();
  } finally {
    returnTo(own);
  }
}
